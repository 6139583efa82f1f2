import { expect, test } from "vitest";
import { readMigrations, scriptOf } from "./migration-files.ts";
import { createMigrationFolder } from "./testing/world.ts";

test("migrations are read in order of their numbers, other files left alone", async () => {
  await using folder = await createMigrationFolder();
  await folder.add("0002_b", "SELECT 2");
  await folder.add("0001_a", "SELECT 1");
  await folder.write("README.md", "about");
  expect((await readMigrations(folder.directory)).map(({ id }) => id)).toEqual(["0001_a", "0002_b"]);
});

const complete = ["0001_a.up.sql", "0001_a.down.sql"];

test.each([
  ["GAP", [...complete, "0003_c.up.sql", "0003_c.down.sql"], /0002 is missing before 0003/],
  ["GAP", ["0002_b.up.sql", "0002_b.down.sql"], /0001 is missing/],
  ["DUPLICATE_VERSION", [...complete, "0001_b.up.sql", "0001_b.down.sql"], /0001_a and 0001_b/],
  ["MISSING_DOWN", ["0001_a.up.sql"], /0001_a\.down\.sql is missing/],
  ["MISSING_UP", ["0001_a.down.sql"], /0001_a\.up\.sql is missing/],
  ["BAD_FILE_NAME", [...complete, "2_b.up.sql"], /2_b\.up\.sql/],
])("a folder is refused with %s: %s", async (code, fileNames, message) => {
  await using folder = await createMigrationFolder();
  for (const fileName of fileNames) await folder.write(fileName, "");
  await expect(readMigrations(folder.directory)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

test("the marker above the first statement takes a script out of the transaction", () => {
  expect(scriptOf("0001_a.up.sql", "-- why\r\n\r\n-- migrate: no-transaction\r\nVACUUM;").inTransaction).toBe(false);
  expect(scriptOf("0001_a.up.sql", "-- why\nSELECT 1").inTransaction).toBe(true);
});

test.each([
  ["BAD_MARKER", "-- migrate: no-transactoin\nSELECT 1"],
  ["BAD_MARKER", "SELECT 1;\n-- migrate: no-transaction\nVACUUM"],
  ["BAD_MARKER", "-- migrate: irreversible\nSELECT 1"],
  ["TRANSACTION_CONTROL", "SELECT 1;\n/* so */ COMMIT"],
  ["TRANSACTION_CONTROL", "begin; SELECT 1"],
  ["UNNAMED_INDEX", "-- migrate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY ON t (a)"],
  ["UNTERMINATED", "SELECT 'a"],
])("a script is refused with %s: %j", (code, text) => {
  expect(() => scriptOf("0001_a.up.sql", text)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining("0001_a.up.sql") }),
  );
});
