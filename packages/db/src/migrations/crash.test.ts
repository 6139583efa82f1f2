import { expect, test } from "vitest";
import { migrateDown, migrateUp } from "./migrate.ts";
import { forkRunner } from "./testing/runner-process.ts";
import {
  connectOnlooker,
  createEmptyDatabase,
  createMigrationFolder,
  type MigrationFolder,
  type Onlooker,
  runnerIsGone,
  runnerIsWaiting,
} from "./testing/world.ts";

interface World extends AsyncDisposable {
  readonly folder: MigrationFolder;
  readonly onlooker: Onlooker;
  readonly options: { url: string; directory: string; lockTimeoutMs: number };
}

/** A table `t`, and a `journal` in which migrations note that they ran. */
async function createWorld(): Promise<World> {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await createEmptyDatabase());
  const folder = stack.use(await createMigrationFolder());
  const onlooker = stack.use(await connectOnlooker(url));
  await onlooker.rows(
    "CREATE TABLE journal (step text); CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 100)",
  );
  const options = { url, directory: folder.directory, lockTimeoutMs: 60_000 };
  return { folder, onlooker, options, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const journal = "SELECT string_agg(step, ' ' ORDER BY step) AS steps FROM journal";
const steps = (...statements: string[]): string => `-- migrate: no-transaction\n${statements.join(";\n")};`;
const note = (step: string): string => `INSERT INTO journal VALUES ('${step}')`;
const invalidIndexes = "SELECT 1 FROM pg_index WHERE NOT indisvalid";
const indexOfT = `SELECT c.relname AS name, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                   WHERE i.indrelid = 't'::regclass ORDER BY 1`;

test("ten processes starting at once apply each migration once", { timeout: 60_000 }, async () => {
  await using world = await createWorld();
  await world.folder.add("0001_one", note("1"));
  await world.folder.add("0002_two", steps(note("2"), "CREATE INDEX CONCURRENTLY t_a ON t (a)"));
  await world.folder.add("0003_three", note("3"));
  await using stack = new AsyncDisposableStack();
  const runners = await Promise.all(Array.from({ length: 10 }, async () => stack.use(await forkRunner(world.options))));
  const results = runners.map((runner) => runner.result());
  for (const runner of runners) runner.start();
  const applied = (await Promise.all(results)).map((result) => result.applied ?? [String(result.error)]);
  expect(applied.flat().sort()).toEqual(["0001_one", "0002_two", "0003_three"]);
  expect(await world.onlooker.rows(journal)).toEqual([{ steps: "1 2 3" }]);
});

test("a runner killed between steps is taken up after the last step done", async () => {
  await using world = await createWorld();
  const { folder, onlooker, options } = world;
  await folder.add("0001_steps", steps(note("1"), "ALTER TABLE t ADD b int", note("3")));
  await onlooker.rows("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
  await killWhen(world, runnerIsWaiting);
  await onlooker.rows("ROLLBACK");
  expect(await onlooker.rows("SELECT state, cardinality(steps_done) AS done FROM schema_migrations")).toEqual([
    { state: "running", done: 1 },
  ]);
  await expect(migrateDown(options)).rejects.toMatchObject({ code: "HALF_APPLIED" });
  expect(await migrateUp(options)).toEqual({ applied: ["0001_steps"] });
  expect(await onlooker.rows(journal)).toEqual([{ steps: "1 3" }]);
});

test("the index that a killed CREATE INDEX CONCURRENTLY left is dropped and built again", {
  timeout: 30_000,
}, async () => {
  await using world = await createWorld();
  const { folder, onlooker, options } = world;
  await folder.add("0001_index", steps(note("1"), "CREATE INDEX CONCURRENTLY t_a ON t (a)", note("3")));
  // The build makes its index known and then waits for this transaction, which may not know of it.
  await onlooker.rows("BEGIN; INSERT INTO t VALUES (0)");
  await using second = await connectOnlooker(options.url);
  await killWhen(world, invalidIndexes);
  await second.until(runnerIsGone);
  await onlooker.rows("COMMIT");
  expect(await onlooker.rows(indexOfT)).toEqual([{ name: "t_a", valid: false }]);
  const lines: string[] = [];
  await migrateUp({ ...options, log: (line) => void lines.push(line) });
  expect(lines).toContain("dropping t_a, which an interrupted CREATE INDEX CONCURRENTLY left behind");
  expect(await onlooker.rows(indexOfT)).toEqual([{ name: "t_a", valid: true }]);
  expect(await onlooker.rows(journal)).toEqual([{ steps: "1 3" }]);
});

test("an index that the server finished after its runner was gone is kept", async () => {
  await using world = await createWorld();
  const { folder, onlooker, options } = world;
  await folder.add("0001_index", steps(note("1"), "CREATE INDEX CONCURRENTLY t_a ON t (a)"));
  await migrateUp(options);
  const [before] = await onlooker.rows("SELECT 't_a'::regclass::oid AS oid");
  await onlooker.rows(`UPDATE schema_migrations SET state = 'running', finished_at = NULL, steps_done = steps_done[1:1],
                              step_begun = 'CREATE INDEX CONCURRENTLY t_a ON t (a)'`);
  await migrateUp(options);
  expect(await onlooker.rows("SELECT 't_a'::regclass::oid AS oid")).toEqual([before]);
  expect(await onlooker.rows(journal)).toEqual([{ steps: "1" }]);
});

test("a build that loses its lock half-way starts over within the same run", { timeout: 30_000 }, async () => {
  await using world = await createWorld();
  const { folder, onlooker, options } = world;
  await folder.add("0001_index", steps("CREATE INDEX CONCURRENTLY t_a ON t (a)"));
  await onlooker.rows("BEGIN; INSERT INTO t VALUES (0)");
  let ended: Promise<unknown> | undefined;
  const log = (line: string): void => {
    if (line.includes("no lock")) ended ??= onlooker.rows("COMMIT");
  };
  await migrateUp({ ...options, lockTimeoutMs: 100, log });
  await ended;
  expect(await onlooker.rows(indexOfT)).toEqual([{ name: "t_a", valid: true }]);
});

test("an index of the same name that was there before is not taken for ours", async () => {
  await using world = await createWorld();
  const { folder, onlooker, options } = world;
  await onlooker.rows("CREATE INDEX t_a ON t ((a + 1))");
  await folder.add("0001_index", steps("CREATE INDEX CONCURRENTLY t_a ON t (a)"));
  for (let run = 0; run < 2; run++) await expect(migrateUp(options)).rejects.toMatchObject({ code: "INDEX_EXISTS" });
});

test("after a failed step the steps not yet done may be corrected, those done may not", async () => {
  await using world = await createWorld();
  const { folder, onlooker, options } = world;
  await folder.add("0001_steps", steps(note("1"), "CREATE UNIQUE INDEX CONCURRENTLY t_a ON t ((a % 2))"));
  await expect(migrateUp(options)).rejects.toMatchObject({ code: "STATEMENT_FAILED" });
  expect(await onlooker.rows(invalidIndexes)).toHaveLength(1);
  await folder.add("0001_steps", steps(note("0"), "CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)"));
  await expect(migrateUp(options)).rejects.toMatchObject({
    code: "EDITED",
    message: expect.stringContaining("statement 1"),
  });
  await folder.add("0001_steps", steps(note("1"), "CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)"));
  expect(await migrateUp(options)).toEqual({ applied: ["0001_steps"] });
  expect(await onlooker.rows(indexOfT)).toEqual([{ name: "t_a", valid: true }]);
});

test("a way down outside a transaction is taken up where it stopped", async () => {
  await using world = await createWorld();
  const { folder, onlooker, options } = world;
  await folder.add(
    "0001_index",
    steps("CREATE INDEX CONCURRENTLY t_a ON t (a)"),
    steps(note("1"), "DROP INDEX CONCURRENTLY t_a", "VACUUM t"),
  );
  await migrateUp(options);
  await folder.write("0001_index.down.sql", steps(note("1"), "DROP INDEX CONCURRENTLY t_a", "VACUUM t"));
  // As a run leaves it that is killed after the index is gone and before that is noted.
  await onlooker.rows(`${note("1")}; DROP INDEX t_a; UPDATE schema_migrations SET state = 'reverting', finished_at = NULL,
    steps_done = ARRAY['sha256-v1:' || encode(sha256('INSERT INTO journal VALUES (''1'')'), 'hex')],
    step_begun = 'DROP INDEX CONCURRENTLY t_a'`);
  await expect(migrateUp(options)).rejects.toMatchObject({ code: "HALF_REVERTED" });
  expect(await migrateDown(options)).toEqual({ reverted: ["0001_index"] });
  expect(await onlooker.rows(journal)).toEqual([{ steps: "1" }]);
});

/** Starts a runner and kills it as soon as the query has a row. */
async function killWhen({ options }: World, sql: string): Promise<void> {
  await using onlooker = await connectOnlooker(options.url);
  await using runner = await forkRunner(options);
  runner.start();
  await onlooker.until(sql);
  await runner.kill();
}
