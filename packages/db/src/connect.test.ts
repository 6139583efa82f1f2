import { createTestDatabase, openWay } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { connectPostgres } from "./connect.ts";
import type { Db } from "./db.ts";
import { statement } from "./statement.ts";

const makeTable = statement<[], never>("test.make_table", "CREATE TABLE kept (n int)");
const copyRows = statement<[], never>("test.copy", "COPY kept (n) FROM STDIN");
const insertRow = statement<[n: number], never>("test.insert", "INSERT INTO kept VALUES ($1)");
const listRows = statement<[], { n: number }>("test.list", "SELECT n FROM kept ORDER BY n");

const options = { applicationName: "test", minConnections: 0, maxConnections: 1, queryTimeoutMs: 200 };

test.each([
  ["in a transaction", (db: Db) => db.transaction((tx) => tx.run(insertRow, [1]))],
  ["a COPY in a transaction", (db: Db) => db.transaction((tx) => tx.copyIn(copyRows, "1\n"))],
])("what is acknowledged after an answer that came too late, %s, is committed", async (_, late) => {
  await using database = await createTestDatabase();
  await database.db.run(makeTable, []);
  await using way = await openWay(database.url);
  await using db = await connectPostgres({ ...options, url: way.url });
  const began = Promise.withResolvers<void>();
  const running = late({
    ...db,
    transaction: (work) =>
      db.transaction(async (tx) => {
        way.hold();
        began.resolve();
        return await work(tx);
      }),
  });
  await began.promise;
  await expect(running).rejects.toThrow();
  way.release();

  expect(await db.copyIn(copyRows, "2\n")).toBe(1);

  expect(await database.db.rows(listRows, [])).toEqual([{ n: 2 }]);
});
