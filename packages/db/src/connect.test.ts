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

test("without settings: 50 connections at most, 5 kept, and time-outs of 1, 5 and 10 s", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({ url: database.url, applicationName: "test" });
  const timeout = statement<[], { statement_timeout: string }>("test.show", "SHOW statement_timeout");
  expect(await db.rows(timeout, [])).toEqual([{ statement_timeout: "10s" }]);

  const sleep = statement<[], unknown>("test.sleep", "SELECT pg_sleep(30)::text");
  const asked = performance.now();
  await expect(db.rows(sleep, [])).rejects.toThrow("timeout");
  expect(performance.now() - asked).toBeGreaterThan(4_900);

  const holders: Promise<void>[] = [];
  const release = Promise.withResolvers<void>();
  try {
    for (let count = 0; count < 50; count += 1) {
      const borrowed = Promise.withResolvers<void>();
      const holder = db.withConnection(async () => {
        borrowed.resolve();
        await release.promise;
      });
      holders.push(holder);
      await Promise.race([borrowed.promise, holder]);
    }
    expect(db.poolCounts()).toMatchObject({ total: 50, idle: 0, waiting: 0 });
    const waitedFrom = performance.now();
    await expect(db.rows(timeout, [])).rejects.toThrow("timeout");
    expect(performance.now() - waitedFrom).toBeGreaterThan(950);
    expect(performance.now() - waitedFrom).toBeLessThan(4_000);
  } finally {
    release.resolve();
    await Promise.allSettled(holders);
  }
  const idleFrom = performance.now();
  await expect.poll(() => db.poolCounts(), { timeout: 25_000 }).toMatchObject({ total: 5, idle: 5, waiting: 0 });
  expect(performance.now() - idleFrom).toBeGreaterThan(9_000);
}, 60_000);
