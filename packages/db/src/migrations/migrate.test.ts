import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { migrateDown, migrateUp } from "./migrate.ts";
import { isUpToDate, migrationStatus } from "./migration-status.ts";
import { connectOnlooker, createEmptyDatabase, createMigrationFolder, type MigrationFolder } from "./testing/world.ts";

async function createWorld(): Promise<{ url: string; folder: MigrationFolder } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await createEmptyDatabase());
  const folder = stack.use(await createMigrationFolder());
  await folder.add("0001_table", "CREATE TABLE t (a int);", "DROP TABLE t;");
  await folder.add("0002_column", "ALTER TABLE t ADD b int;", "ALTER TABLE t DROP b;");
  await folder.add("0003_index", "CREATE INDEX t_b ON t (b);", "DROP INDEX t_b;");
  return { url, folder, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("up applies what is pending, and a second time nothing", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  expect(await migrateUp({ ...options, to: 2 })).toEqual({ applied: ["0001_table", "0002_column"] });
  expect(await migrateUp(options)).toEqual({ applied: ["0003_index"] });
  expect(await migrateUp(options)).toEqual({ applied: [] });
  await expect(migrateUp({ ...options, to: 4 })).rejects.toMatchObject({ code: "UNKNOWN_VERSION" });
});

test("down takes back one step, or goes back to a version", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  await migrateUp(options);
  expect(await migrateDown(options)).toEqual({ reverted: ["0003_index"] });
  expect(await migrateDown({ ...options, to: 0, acceptDataLoss: true })).toEqual({
    reverted: ["0002_column", "0001_table"],
  });
  expect(await migrateDown(options)).toEqual({ reverted: [] });
  expect(await migrateUp(options)).toMatchObject({ applied: { length: 3 } });
});

test("down does not delete data unless told to, and says what it would delete", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  await migrateUp(options);
  await expect(migrateDown({ ...options, to: 1 })).rejects.toMatchObject({
    code: "DATA_LOSS",
    message: expect.stringContaining("0002_column.down.sql, line 1 would delete data: ALTER TABLE t DROP b"),
  });
  expect((await migrationStatus(options)).map(({ state }) => state)).toEqual(["applied", "applied", "applied"]);
});

test("what is marked irreversible is not taken back, nor anything on the way to it", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  await world.folder.write("0002_column.down.sql", "-- migrate: irreversible: merged rows\n");
  await migrateUp(options);
  await expect(migrateDown({ ...options, to: 0, acceptDataLoss: true })).rejects.toMatchObject({
    code: "IRREVERSIBLE",
  });
  expect(isUpToDate(await migrationStatus(options))).toBe(true);
});

test("a migration that fails leaves nothing of itself, and those before it stay", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  await world.folder.write("0003_index.up.sql", "CREATE TABLE half (a int);\n\nCREATE INDEX ON nowhere (a);");
  await expect(migrateUp(options)).rejects.toMatchObject({
    code: "STATEMENT_FAILED",
    message: '0003_index.up.sql, line 3: relation "nowhere" does not exist (SQLSTATE 42P01)',
  });
  await using onlooker = await connectOnlooker(world.url);
  expect(await onlooker.rows("SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
  expect((await migrationStatus(options)).map(({ state }) => state)).toEqual(["applied", "applied", "pending"]);
});

test("an edited file of an applied migration is refused with its name and both checksums", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  await migrateUp({ ...options, to: 2 });
  await using onlooker = await connectOnlooker(world.url);
  const [recorded] = await onlooker.rows("SELECT down_checksum FROM schema_migrations WHERE version = 2");
  await world.folder.write("0002_column.down.sql", "ALTER TABLE t DROP COLUMN b;");
  const refusal = await migrateUp(options).catch((error: Error) => error.message);
  expect(refusal).toMatch(/^0002_column\.down\.sql was edited/);
  expect(refusal).toContain(`applied: ${String(recorded?.["down_checksum"])}`);
  expect(refusal).toMatch(/now: {5}sha256-v1:[0-9a-f]{64}/);
  await expect(migrateDown(options)).rejects.toMatchObject({ code: "EDITED" });
  expect((await migrationStatus(options)).map(({ isUnedited }) => isUnedited)).toEqual([true, false, null]);
});

test("line endings and a byte order mark are no edit", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  await migrateUp(options);
  for (const fileName of ["0001_table.up.sql", "0002_column.down.sql"]) {
    const text = await readFile(join(options.directory, fileName), "utf8");
    await world.folder.write(fileName, `\uFEFF${text}\r\n\r\n`);
  }
  expect(await migrateUp(options)).toEqual({ applied: [] });
});

test("an applied migration whose files are gone, or have another name, is refused", async () => {
  await using world = await createWorld();
  await using other = await createMigrationFolder();
  await migrateUp({ url: world.url, directory: world.folder.directory });
  await other.add("0001_table", "CREATE TABLE t (a int);", "DROP TABLE t;");
  await other.add("0002_else", "SELECT 1");
  const options = { url: world.url, directory: other.directory };
  await expect(migrateUp(options)).rejects.toMatchObject({
    code: "MISSING_FILE",
    message: expect.stringContaining(
      "0002_column is applied to this database, but its files are not here (there is 0002_else",
    ),
  });
  expect((await migrationStatus(options)).map(({ id, state }) => `${id} ${state}`)).toEqual([
    "0001_table applied",
    "0002_else pending",
    "0002_column missing",
    "0003_index missing",
  ]);
});

test("a new file below the newest applied version is refused", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  await migrateUp(options);
  await using onlooker = await connectOnlooker(world.url);
  await onlooker.rows("DELETE FROM schema_migrations WHERE version = 2");
  await expect(migrateUp(options)).rejects.toMatchObject({
    code: "OUT_OF_ORDER",
    message: expect.stringMatching(/0002_column is new, but 0003_index is already applied.*above 3/),
  });
});

test("status reads a database that was never migrated, and leaves it alone", async () => {
  await using world = await createWorld();
  const options = { url: world.url, directory: world.folder.directory };
  expect((await migrationStatus(options)).map(({ state }) => state)).toEqual(["pending", "pending", "pending"]);
  await using onlooker = await connectOnlooker(world.url);
  expect(await onlooker.rows("SELECT to_regclass('schema_migrations') AS ledger")).toEqual([{ ledger: null }]);
});

test("a role's statement time-out does not end a migration, and one migration's settings don't reach the next", async () => {
  await using world = await createWorld();
  const options = { url: `${world.url}?options=-c%20statement_timeout%3D50`, directory: world.folder.directory };
  await world.folder.write(
    "0002_column.up.sql",
    "SET work_mem = '1234kB'; SELECT pg_sleep(0.2); ALTER TABLE t ADD b int;",
  );
  await world.folder.write("0003_index.up.sql", "CREATE TABLE seen AS SELECT current_setting('work_mem') AS work_mem;");
  await migrateUp(options);
  await using onlooker = await connectOnlooker(world.url);
  expect(await onlooker.rows("SELECT work_mem FROM seen WHERE work_mem = '1234kB'")).toEqual([]);
});
