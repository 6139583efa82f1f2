import { statement } from "@millrace/db";
import { expect, test } from "vitest";
import { createTestDatabase } from "./test-database.ts";

const tables = statement<[], { name: string }>(
  "testing.tables",
  "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
);

test("each test has a migrated database of its own", async () => {
  await using one = await createTestDatabase();
  await using two = await createTestDatabase();
  await one.db.run(statement<[], never>("testing.create", "CREATE TABLE mine (n int)"), []);
  const namesIn = async ({ db }: typeof one): Promise<string[]> => (await db.rows(tables, [])).map(({ name }) => name);
  expect(await namesIn(one)).toContain("mine");
  expect(await namesIn(two)).not.toContain("mine");
  expect(await namesIn(two)).toContain("telemetry_events");
});
