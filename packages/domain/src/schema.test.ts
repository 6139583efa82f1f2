import { sqlState, sqlStateOf, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { type IndexRow, readIndexes, servedStatement } from "./testing/catalog.ts";

test("each table has the indexes its reads need, and no more", async () => {
  await using database = await createTestDatabase();
  const counts: Record<string, number> = {};
  for (const { table } of await readIndexes(database.db)) counts[table] = (counts[table] ?? 0) + 1;
  expect(counts).toMatchObject({ sessions: 15, reports: 8, blocks: 6, users: 4, telemetry_events: 6, nonces: 3 });
});

test("every index is valid and says which statement it serves", async () => {
  await using database = await createTestDatabase();
  const indexes = await readIndexes(database.db);
  expect(indexes.filter((index) => !index.is_valid)).toEqual([]);
  expect(indexes.filter((index) => servedStatement(index) === undefined)).toEqual([]);
});

test("no index repeats another or the beginning of another", async () => {
  await using database = await createTestDatabase();
  const indexes = await readIndexes(database.db);
  const redundant = indexes.flatMap((index) =>
    indexes.filter((other) => isCoveredBy(index, other)).map((other) => `${index.name} by ${other.name}`),
  );
  expect(redundant).toEqual([]);
});

test("telemetry can be filtered by what is in its data through a GIN index", async () => {
  await using database = await createTestDatabase();
  const gin = (await readIndexes(database.db)).filter((index) => index.method === "gin");
  expect(gin.map(({ table, keys }) => ({ table, keys }))).toEqual([
    { table: "telemetry_events", keys: ["data jsonb_path_ops"] },
  ]);
});

test("every foreign key begins an index", async () => {
  await using database = await createTestDatabase();
  const foreignKeys = await database.db.rows(selectForeignKeys, []);
  expect(foreignKeys.length).toBeGreaterThan(0);
  expect(foreignKeys.filter((key) => !key.is_indexed)).toEqual([]);
});

test("every column that holds an address takes it in its one written form only", async () => {
  await using database = await createTestDatabase();
  const columns = await database.db.rows(selectAddressColumns, []);
  expect(columns.filter((column) => column.domain !== "address")).toEqual([]);
  expect(columns.length).toBe(11);

  const digits = "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed";
  await database.db.run(castToAddress, [`0x${digits}`]);
  const wrongForms = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    digits,
    `0X${digits}`,
    `0x${digits}0`,
    `0x${digits.slice(1)}`,
    `0x${digits}\n`,
    ` 0x${digits}`,
    "",
  ];
  for (const form of wrongForms) {
    const failure: unknown = await database.db.run(castToAddress, [form]).catch((error: unknown) => error);
    expect(sqlStateOf(failure), JSON.stringify(form)).toBe(sqlState.checkViolation);
  }
});

/** Everything `index` can do, `other` does too. An index that also keeps rows unique does something of its own. */
function isCoveredBy(index: IndexRow, other: IndexRow): boolean {
  return (
    index.name !== other.name &&
    index.table === other.table &&
    index.method === other.method &&
    index.predicate === other.predicate &&
    (!index.is_unique || index.keys.length === other.keys.length) &&
    index.keys.every((key, position) => key === other.keys[position]) &&
    index.included.every((column) => [...other.keys, ...other.included].some((held) => held.split(" ")[0] === column))
  );
}

const castToAddress = statement<[address: string], { address: string }>("test.address", `SELECT $1::address`);

const selectForeignKeys = statement<[], { name: string; is_indexed: boolean }>(
  "test.foreign_keys",
  `SELECT conname AS name,
          EXISTS (
            SELECT FROM pg_index
             WHERE indrelid = conrelid AND indpred IS NULL
               AND (string_to_array(indkey::text, ' ')::smallint[])[1:cardinality(conkey)] = conkey
          ) AS is_indexed
     FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace`,
);

const selectAddressColumns = statement<[], { column: string; domain: string | null }>(
  "test.address_columns",
  `SELECT table_name || '.' || column_name AS column, domain_name AS domain
     FROM information_schema.columns
    WHERE table_schema = 'public'
      AND column_name IN ('address', 'a_addr', 'b_addr', 'low_addr', 'high_addr', 'reporter', 'reported', 'blocker', 'blocked')`,
);
