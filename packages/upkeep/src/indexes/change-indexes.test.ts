import { connectPostgres, createMonthlyPartition, type Postgres, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findIndexProblems } from "./find-problems.ts";
import type { IndexFinding } from "./finding.ts";
import { actionById, recentActions, requestActions, runAction } from "./index-actions.ts";
import { readPartitionTree } from "./index-ddl.ts";
import { judgeActions } from "./judge-actions.ts";
import { creationTexts } from "./missing-indexes.ts";
import { runIndexDdl } from "./run-ddl.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
  for (const month of ["2026-10", "2026-11", "2026-12"]) await createMonthlyPartition(db, "telemetry_events", month);
});
afterEach(() => database[Symbol.asyncDispose]());

const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
const problems = () => findIndexProblems(db);
const stateOf = statement<[index: string], { valid: boolean; parts: number }>(
  "test.state",
  `SELECT indisvalid AS valid, (SELECT count(*)::int FROM pg_inherits WHERE inhparent = indexrelid) AS parts
     FROM pg_index WHERE indexrelid = to_regclass($1)`,
);

async function byReceipt(): Promise<IndexFinding> {
  const where = { table: "telemetry_events", index: "telemetry_events_by_receipt", columns: ["received_at"] };
  return findingOf(creationTexts(await readPartitionTree(db), where));
}

function findingOf(texts: Pick<IndexFinding, "statements" | "undo">, others: Partial<IndexFinding> = {}): IndexFinding {
  return {
    id: `missing_by_workload:${texts.statements[0]}`,
    kind: "missing_by_workload",
    table: "users",
    index: null,
    bytes: 1,
    reason: "test",
    evidence: { statements: ["test.find"] },
    confidence: "likely",
    ...texts,
    ...others,
  };
}

test("on a partitioned table the statements are exact: run by hand, as they stand, they make a valid index", async () => {
  const { statements, undo } = await byReceipt();
  expect(statements.slice(0, 3)).toEqual([
    'CREATE INDEX "telemetry_events_by_receipt" ON ONLY telemetry_events ("received_at")',
    'CREATE INDEX CONCURRENTLY "telemetry_events_y2026m10_by_receipt" ON telemetry_events_y2026m10 ("received_at")',
    'ALTER INDEX "telemetry_events_by_receipt" ATTACH PARTITION "telemetry_events_y2026m10_by_receipt"',
  ]);
  for (const text of statements) await command(text);
  expect(await db.rows(stateOf, ["telemetry_events_by_receipt"])).toEqual([{ valid: true, parts: 3 }]);
  for (const text of undo) await command(text);
  expect(await db.rows(stateOf, ["telemetry_events_by_receipt"])).toEqual([]);
});

test("an index on a partitioned table goes on after being cut short, takes new parts along, and can be undone", async () => {
  const finding = await byReceipt();
  // As a process leaves it that was killed: the parent's, one part's that is whole, and one that is not.
  await command(finding.statements[0] ?? "");
  await command(finding.statements[1] ?? "");
  await command(
    "INSERT INTO telemetry_events (id, source, type, time) SELECT n, 's', 't', '2026-11-02' FROM generate_series(1, 2) AS n",
  );
  await expect(
    command(
      'CREATE UNIQUE INDEX CONCURRENTLY "telemetry_events_y2026m11_by_receipt" ON telemetry_events_y2026m11 (source)',
    ),
  ).rejects.toThrow();
  const found = (await problems()).filter(({ kind }) => kind === "invalid");
  expect(found.map(({ index }) => index)).toEqual([
    "telemetry_events_by_receipt",
    "telemetry_events_y2026m11_by_receipt",
  ]);
  // Made after the plan, and by PostgreSQL itself, under its own name for the index.
  await createMonthlyPartition(db, "telemetry_events", "2027-01");
  const [id = ""] = await requestActions(db, [finding]);
  expect(await runAction(db, id, "apply")).toBe("done");
  expect(await db.rows(stateOf, ["telemetry_events_by_receipt"])).toEqual([{ valid: true, parts: 4 }]);
  expect((await problems()).filter(({ kind }) => kind === "invalid" || kind === "duplicate")).toEqual([]);
  await runIndexDdl(db, finding.statements[0] ?? ""); // there is nothing left to do
  await createMonthlyPartition(db, "telemetry_events", "2027-02");
  expect(await db.rows(stateOf, ["telemetry_events_by_receipt"])).toEqual([{ valid: true, parts: 5 }]);
  expect(await runAction(db, id, "undo")).toBe("undone");
  expect(await db.rows(stateOf, ["telemetry_events_by_receipt"])).toEqual([]);
  expect(await runAction(db, id, "undo")).toBe("undone");
});

test("an invalid index of a partitioned table is mended by the statements that are proposed", async () => {
  await command("CREATE INDEX half ON ONLY telemetry_events (received_at)");
  const [finding] = (await problems()).filter(({ kind }) => kind === "invalid");
  expect(finding).toMatchObject({ index: "half", reason: expect.stringContaining("Not all parts") });
  const [id = ""] = await requestActions(db, finding === undefined ? [] : [finding]);
  expect(await runAction(db, id, "apply")).toBe("done");
  expect(await db.rows(stateOf, ["half"])).toEqual([{ valid: true, parts: 3 }]);
});

test("what is dropped comes back as it was, with its comment, and on all parts", async () => {
  await command("CREATE INDEX first ON telemetry_events (type, received_at)");
  await command("CREATE INDEX second ON telemetry_events (type, received_at)");
  await command("COMMENT ON INDEX second IS 'it''s for tests'");
  const [finding] = (await problems()).filter(({ kind }) => kind === "duplicate");
  expect(finding).toMatchObject({ index: "second", statements: ['DROP INDEX "second"'] });
  const [id = ""] = await requestActions(db, finding === undefined ? [] : [finding]);
  // Asked for twice it is done once.
  expect(await requestActions(db, finding === undefined ? [] : [finding])).toEqual([id]);
  expect(await runAction(db, id, "apply")).toBe("done");
  expect(await db.rows(stateOf, ["second"])).toEqual([]);
  expect(await runAction(db, id, "undo")).toBe("undone");
  expect(await db.rows(stateOf, ["second"])).toEqual([{ valid: true, parts: 3 }]);
  const comment = statement<[], { text: string }>("test.comment", "SELECT obj_description('second'::regclass) AS text");
  expect(await db.rows(comment, [])).toEqual([{ text: "it's for tests" }]);
});

test("a change that is not needed any more is not made", async () => {
  await command("CREATE INDEX first ON users (display_name, address)");
  await command("CREATE INDEX second ON users (display_name, address)");
  const [finding] = (await problems()).filter(({ kind }) => kind === "duplicate");
  const [id = ""] = await requestActions(db, finding === undefined ? [] : [finding]);
  await command("DROP INDEX first");
  expect(await runAction(db, id, "apply")).toBe("failed");
  expect(await actionById(db, id)).toMatchObject({
    error: expect.stringContaining("first, which makes second needless"),
  });
  expect(await db.rows(stateOf, ["second"])).toMatchObject([{ valid: true }]);
});

test("a lock that is not to be had is given up, others pass meanwhile, and it can be asked for again", async () => {
  await command("CREATE INDEX first ON telemetry_events (type, received_at)");
  await command("CREATE INDEX second ON telemetry_events (type, received_at)");
  const [finding] = (await problems()).filter(({ kind }) => kind === "duplicate");
  const [id = ""] = await requestActions(db, finding === undefined ? [] : [finding]);
  await db.transaction(async (reader) => {
    await reader.rows(statement<[], unknown>("test.read", "SELECT count(*) FROM telemetry_events"), []);
    let isOver = false;
    const changing = runAction(db, id, "apply", { lockTimeoutMs: 50, tries: 5 }).finally(() => {
      isOver = true;
    });
    let passed = 0;
    for (; !isOver; passed += 1) {
      await command(
        `INSERT INTO telemetry_events (id, source, type, time) VALUES ('${passed}', 's', 't', '2026-11-03')`,
      );
    }
    expect(await changing).toBe("failed");
    // One waits for one try at most, and some pass between two of them.
    expect(passed).toBeGreaterThan(5);
  });
  expect(await actionById(db, id)).toMatchObject({ state: "failed", error: expect.stringContaining("lock timeout") });
  expect(await runAction(db, id, "apply")).toBe("done");
});

test("what takes longer than it may is ended, and leaves nothing half-built", async () => {
  await command("CREATE TABLE tall AS SELECT md5(n::text) AS text FROM generate_series(1, 200000) AS n");
  const finding = findingOf({
    statements: ['CREATE INDEX CONCURRENTLY "tall_by_text" ON tall (text)'],
    undo: ['DROP INDEX CONCURRENTLY "tall_by_text"'],
  });
  const [id = ""] = await requestActions(db, [finding]);
  expect(await runAction(db, id, "apply", { budgetMs: 20 })).toBe("failed");
  expect(await actionById(db, id)).toMatchObject({ error: "It was not done within 1 s" });
  expect(await db.rows(stateOf, ["tall_by_text"])).toEqual([]);
  expect(await runAction(db, id, "apply")).toBe("done");
  expect(await db.rows(stateOf, ["tall_by_text"])).toMatchObject([{ valid: true }]);
});

test("an index of that name that is another one is not taken for the one that was asked for", async () => {
  await command("CREATE INDEX zz_by_name ON users (created_at)");
  const [id = ""] = await requestActions(db, [
    findingOf({ statements: ['CREATE INDEX CONCURRENTLY "zz_by_name" ON users (display_name)'], undo: [] }),
  ]);
  expect(await runAction(db, id, "apply")).toBe("failed");
  expect(await actionById(db, id)).toMatchObject({ error: expect.stringContaining("is another one") });
});

test("a worker that ends stops what PostgreSQL does for it, and another one goes on", async () => {
  const finding = findingOf({
    statements: ['CREATE INDEX CONCURRENTLY "zz_by_name" ON users (display_name)'],
    undo: ['DROP INDEX CONCURRENTLY "zz_by_name"'],
  });
  const [id = ""] = await requestActions(db, [finding]);
  const ending = new AbortController();
  const building = statement<[], { n: number }>(
    "test.building",
    "SELECT count(*)::int AS n FROM pg_stat_progress_create_index WHERE datname = current_database()",
  );
  await db.transaction(async (writer) => {
    await writer.run(statement<[], never>("test.lock", "LOCK TABLE users IN ROW EXCLUSIVE MODE"), []);
    const changing = runAction(db, id, "apply", { signal: ending.signal });
    const ended = expect(changing).rejects.toThrow("The process ends");
    await expect.poll(() => db.rows(building, [])).toEqual([{ n: 1 }]);
    ending.abort(new Error("The process ends"));
    await ended;
    expect(await db.rows(building, [])).toEqual([{ n: 0 }]);
    expect(await actionById(db, id)).toMatchObject({ state: "running" });
  });
  expect(await runAction(db, id, "apply")).toBe("done");
  expect(await db.rows(stateOf, ["zz_by_name"])).toMatchObject([{ valid: true }]);
});

test("what the server still does for a worker that was killed is waited for, and done once", async () => {
  const text = 'CREATE INDEX CONCURRENTLY "zz_by_name" ON users (display_name)';
  const [id = ""] = await requestActions(db, [findingOf({ statements: [text], undo: [] })]);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const holding = db.transaction(async (writer) => {
    await writer.run(statement<[], never>("test.lock", "LOCK TABLE users IN ROW EXCLUSIVE MODE"), []);
    await released;
  });
  const active = statement<[like: string], { n: number }>(
    "test.active",
    `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1 AND pid <> pg_backend_pid()`,
  );
  const orphan = command(text).catch(() => {}); // of the two that wait for each other PostgreSQL may end this one
  await expect.poll(() => db.rows(active, ["%test.command%CONCURRENTLY%"])).toEqual([{ n: 1 }]);
  const changing = runAction(db, id, "apply");
  await expect.poll(() => db.rows(active, ["%indexes.change%CONCURRENTLY%"])).toEqual([{ n: 1 }]);
  release();
  await Promise.all([holding, orphan]);
  expect(await changing).toBe("done");
  const named = statement<[], { name: string; valid: boolean }>(
    "test.named",
    `SELECT relname AS name, indisvalid AS valid FROM pg_index JOIN pg_class ON oid = indexrelid
      WHERE indrelid = 'users'::regclass AND pg_get_indexdef(indexrelid) LIKE '%(display_name)'`,
  );
  expect(await db.rows(named, [])).toEqual([{ name: "zz_by_name", valid: true }]);
});

test("an undoing that fails says so and can be asked for again", async () => {
  const finding = findingOf({
    statements: ['CREATE INDEX CONCURRENTLY "zz_by_name" ON users (display_name)'],
    undo: ['DROP INDEX "zz_by_name"'],
  });
  const [id = ""] = await requestActions(db, [finding]);
  expect(await runAction(db, id, "apply")).toBe("done");
  await db.transaction(async (reader) => {
    await reader.rows(statement<[], unknown>("test.read", "SELECT count(*) FROM users"), []);
    expect(await runAction(db, id, "undo", { lockTimeoutMs: 10, tries: 2 })).toBe("done");
  });
  expect(await actionById(db, id)).toMatchObject({ state: "done", error: expect.stringContaining("lock timeout") });
  expect(await runAction(db, id, "undo")).toBe("undone");
});

test("an index that did not help the statements it was made for is proposed for removal, and not made again", async () => {
  const finding = findingOf({
    statements: ["CREATE INDEX CONCURRENTLY users_display_name_idx ON users (display_name)"],
    undo: ["DROP INDEX CONCURRENTLY users_display_name_idx"],
  });
  const addMinute = statement<[minutes: number, totalMs: number], never>(
    "test.add_minute",
    `INSERT INTO statement_minutes (minute, process, app, statement, calls, rows, total_ms, repeated, durations)
     VALUES (date_trunc('minute', now()) + $1 * interval '1 minute', 'p', 'a', 'test.find', 50, 0, $2, 0, '{}')`,
  );
  await db.run(addMinute, [-200, 500]);
  const [id = ""] = await requestActions(db, [finding]);
  expect(await runAction(db, id, "apply")).toBe("done");
  const unhelpful = async () => (await problems()).filter(({ kind }) => kind === "unhelpful");
  expect([await judgeActions(db), await unhelpful()]).toEqual([0, []]);
  await db.run(addMinute, [1, 490]);
  expect(await judgeActions(db)).toBe(1);
  expect(await actionById(db, id)).toMatchObject({ mean_before_ms: 10, mean_after_ms: 9.8, verdict: "did_not_help" });
  const proposed = await unhelpful();
  expect(proposed).toMatchObject([
    { statements: finding.undo, undo: finding.statements, evidence: { mean_after_ms: 9.8 } },
  ]);
  // Taken back as any other finding is, it is gone.
  const [again = ""] = await requestActions(db, proposed);
  expect(await runAction(db, again, "apply")).toBe("done");
  expect(await unhelpful()).toEqual([]);
  expect(await recentActions(db, 10)).toHaveLength(2);
});

test("an index that helped is left alone", async () => {
  await using others = await connectPostgres({ url: database.url, applicationName: "test", minConnections: 0 });
  const minute = statement<[minutes: number, totalMs: number], never>(
    "test.add_minute",
    `INSERT INTO statement_minutes (minute, process, app, statement, calls, rows, total_ms, repeated, durations)
     VALUES (date_trunc('minute', now()) + $1 * interval '1 minute', 'p', 'a', 'test.find', 50, 0, $2, 0, '{}')`,
  );
  await db.run(minute, [-5, 500]);
  const [id = ""] = await requestActions(db, [
    findingOf({ statements: ["CREATE INDEX CONCURRENTLY users_name ON users (display_name)"], undo: [] }),
  ]);
  expect(await runAction(others, id, "apply")).toBe("done");
  await db.run(minute, [1, 100]);
  expect(await judgeActions(db)).toBe(1);
  expect(await actionById(db, id)).toMatchObject({ verdict: "helped" });
  expect((await problems()).filter(({ kind }) => kind === "unhelpful")).toEqual([]);
});
