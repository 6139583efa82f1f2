import { expect, test } from "vitest";
import { migrateUp } from "./migrate.ts";
import { connectOnlooker, createEmptyDatabase, createMigrationFolder } from "./testing/world.ts";

for (const marker of ["", "-- migrate: no-transaction\n"]) {
  const kind = marker === "" ? "a migration" : "a step outside a transaction";

  test(`${kind} that cannot have its lock is tried again until the one in the way has ended`, async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder();
    await using onlooker = await connectOnlooker(database.url);
    await onlooker.rows("CREATE TABLE t (a int)");
    await folder.add("0001_column", `${marker}ALTER TABLE t ADD b int`);
    await onlooker.rows("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
    const lines: string[] = [];
    let released: Promise<unknown> | undefined;
    await migrateUp({
      url: database.url,
      directory: folder.directory,
      lockTimeoutMs: 50,
      log(line) {
        lines.push(line);
        if (line.includes("no lock within 50 ms (try 1 of 6)")) released = onlooker.rows("ROLLBACK");
      },
    });
    await released;
    expect(released).toBeDefined();
    const [entry] = await onlooker.rows("SELECT state, attempts FROM schema_migrations");
    expect(entry).toMatchObject({ state: "applied" });
    if (marker === "") expect(entry?.["attempts"]).toBeGreaterThan(1);
  });

  test(`${kind} gives up after the bounded tries, keeps nothing and says who to look for`, async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder();
    await using onlooker = await connectOnlooker(database.url);
    await onlooker.rows("CREATE TABLE t (a int)");
    await folder.add("0001_column", `${marker}ALTER TABLE t ADD b int`);
    await onlooker.rows("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
    const options = { url: database.url, directory: folder.directory, lockTimeoutMs: 20, lockAttempts: 2 };
    await expect(migrateUp(options)).rejects.toMatchObject({
      code: "LOCK_TIMEOUT",
      isPassing: true,
      message: expect.stringMatching(/0001_column\.up\.sql.*gave up after 2 tries of 20 ms(.|\n)*pg_stat_activity/),
    });
    await onlooker.rows("ROLLBACK");
    expect(
      await onlooker.rows("SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'"),
    ).toEqual([]);
    expect(await migrateUp(options)).toEqual({ applied: ["0001_column"] });
  });
}

test("a failure that waiting does not mend is not tried again", async () => {
  await using database = await createEmptyDatabase();
  await using folder = await createMigrationFolder();
  await folder.add("0001_wrong", "SELECT 1 / 0");
  const lines: string[] = [];
  const options = { url: database.url, directory: folder.directory, log: (line: string) => void lines.push(line) };
  await expect(migrateUp(options)).rejects.toMatchObject({ code: "STATEMENT_FAILED" });
  expect(lines).toEqual(["0001_wrong: up …"]);
});

test("a runner that waits for another one gives up in time and says for whom it waited", async () => {
  await using database = await createEmptyDatabase();
  await using folder = await createMigrationFolder();
  await using onlooker = await connectOnlooker(database.url);
  await onlooker.rows("SELECT pg_advisory_lock(7883951835720016741)");
  const [backend] = await onlooker.rows("SELECT pg_backend_pid() AS pid");
  await expect(migrateUp({ url: database.url, directory: folder.directory, runnerWaitMs: 50 })).rejects.toMatchObject({
    code: "RUNNER_BUSY",
    message: expect.stringContaining(`server process ${String(backend?.["pid"])} from 127.0.0.1`),
  });
});
