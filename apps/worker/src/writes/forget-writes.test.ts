import { randomUUID } from "node:crypto";
import { statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { forgetWrites } from "./forget-writes.ts";

const add = statement<[id: string, daysAgo: number], never>(
  "test.add_write",
  `INSERT INTO writes (id, kind, outcome, accepted_at, finished_at)
   VALUES ($1, 'users.save', 'done', now(), now() - $2::int * interval '1 day')`,
);
const count = statement<[], { writes: number }>("test.count_writes", "SELECT count(*)::int AS writes FROM writes");

test("what was finished longer ago than is kept is forgotten, and nothing else", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  for (const daysAgo of [0, 6, 8, 30, 400]) await db.run(add, [randomUUID(), daysAgo]);
  const run = forgetWrites({ db, keepMs: 7 * 86_400_000 });
  await run({}, { id: "1", attempt: 1 });
  expect(await db.rows(count, [])).toEqual([{ writes: 2 }]);
});
