import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { connectPostgres } from "./connect.ts";
import { statement } from "./statement.ts";

const slowNumbers = statement<[], { n: number }>(
  "test.slow_numbers",
  "SELECT n, pg_sleep(0.1)::text FROM generate_series(1, 5) n",
);
const numbers = statement<[], { n: number }>("test.numbers", "SELECT n FROM generate_series(1, 1000) n");
const sleep = statement<[], never>("test.sleep", "SELECT pg_sleep(600)");
const pidOf = statement<[name: string], { pid: number }>(
  "test.pid",
  "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle' AND query NOT LIKE '%set_config%'",
);

test("a long read outlasts the time-outs of its pool, and only a long one does", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({
    url: database.url,
    applicationName: "test",
    queryTimeoutMs: 250,
    statementTimeoutMs: 200,
    minConnections: 0,
  });

  const rows = await Array.fromAsync(db.batches(slowNumbers, [], 1, { timeoutMs: 60_000 }));

  expect(rows.flat().map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  await expect(Array.fromAsync(db.batches(slowNumbers, [], 1))).rejects.toThrow(/timeout/);
  await expect(Array.fromAsync(db.batches(slowNumbers, [], 1, { timeoutMs: 200 }))).rejects.toThrow(
    "statement timeout",
  );
  expect(await db.rows(statement("test.setting", "SELECT current_setting('statement_timeout') AS value"), [])).toEqual([
    { value: "200ms" },
  ]);
});

test("a read that is whole gives its connection back, one that is left early does not lose the pool's place", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({
    url: database.url,
    applicationName: "test",
    minConnections: 0,
    maxConnections: 1,
  });

  for (let read = 0; read < 3; read += 1) {
    for await (const batch of db.batches(numbers, [], 10, { timeoutMs: 60_000 })) {
      if (read < 2 && batch.length > 0) break;
    }
  }

  expect(db.poolCounts()).toMatchObject({ total: 1, idle: 1, waiting: 0 });
});

test("a signal ends a read whose server is still searching", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({ url: database.url, applicationName: "searching", minConnections: 0 });
  const stop = new AbortController();
  const read = Array.fromAsync(db.batches(sleep, [], 1, { timeoutMs: 60_000, signal: stop.signal }));
  const ended = expect(read).rejects.toThrow(/canceling statement|operation was aborted/);
  await expect.poll(() => database.db.rows(pidOf, ["searching"])).toHaveLength(1);

  stop.abort();

  await ended;
  await expect.poll(() => database.db.rows(pidOf, ["searching"])).toEqual([]);
});

test("a connection lost between two batches ends the read with an error", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({ url: database.url, applicationName: "lost", minConnections: 0 });
  const read = async (): Promise<void> => {
    for await (const batch of db.batches(numbers, [], 10, { timeoutMs: 60_000 })) {
      if (batch[0]?.n !== 1) continue;
      await database.db.rows(
        statement<[string], never>("test.kill", `SELECT pg_terminate_backend(pid) FROM (${pidOf.text}) AS reads`),
        ["lost"],
      );
    }
  };

  await expect(read()).rejects.toThrow();
  expect(await db.rows(statement("test.one", "SELECT 1 AS one"), [])).toEqual([{ one: 1 }]);
});
