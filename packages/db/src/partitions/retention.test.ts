import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createServerFolder, createTestDatabase } from "@millrace/embedded/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectPostgres, type Postgres } from "../connect.ts";
import { statement } from "../statement.ts";
import { ExportUnderWayError, exportPartition, readExport } from "./export-partition.ts";
import { attachMonth, createMonthlyPartition } from "./monthly.ts";
import { listPartitions } from "./partition-list.ts";
import { forgetReattachedPartitions } from "./reattached.ts";
import { restorePartition } from "./restore-partition.ts";
import { retentionNow } from "./retention-clock.ts";
import { byHand, planRetention, type RetentionPolicy, type RetentionStep } from "./retention-plan.ts";
import { retirePartition } from "./retire-partition.ts";
import { partitionsToSettle, settlePartition } from "./settle-partition.ts";

const table = "telemetry_events";
const now = new Date("2026-11-30T23:59:59.999Z");
const none: RetentionPolicy = { maxAgeDays: undefined, maxBytes: undefined, graceDays: 0, exportDir: undefined };
const addRows = statement<[count: number, time: string], never>(
  "test.add_rows",
  `INSERT INTO telemetry_events (id, source, type, time, data)
   SELECT n::text, 'test', 'test', $2::timestamptz + n * interval '1 us',
          jsonb_build_object('n', n, 'big', 12345678901234567890.123456789, 'text', E'a\\n"ü\\u2028')
     FROM generate_series(1, $1::int) AS n`,
);
const rowsOf = statement<[], { rows: string; hash: string }>(
  "test.hash_rows",
  "SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS hash FROM telemetry_events AS t",
);

let resources: AsyncDisposableStack;
let db: Postgres;
let url: string;
beforeEach(async () => {
  resources = new AsyncDisposableStack();
  const database = resources.use(await createTestDatabase());
  ({ url } = database);
  db = resources.use(
    await connectPostgres({ url, applicationName: "test", minConnections: 0, queryTimeoutMs: 60_000 }),
  );
  for (const month of ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12"]) {
    await createMonthlyPartition(db, table, month);
  }
});
afterEach(() => resources.disposeAsync());

const plan = async (policy: Partial<RetentionPolicy>, at = now) =>
  planRetention(await listPartitions(db, table), { ...none, ...policy }, at);
const summaryOf = async (policy: Partial<RetentionPolicy>, at = now) =>
  (await plan(policy, at)).map(({ action, month }) => `${action} ${month}`);
async function statesOf(): Promise<Record<string, string>> {
  return Object.fromEntries((await listPartitions(db, table)).map(({ month, state }) => [month, state]));
}

test("by age and by size the oldest go, and never the current month or a coming one", async () => {
  expect(await summaryOf({})).toEqual([]);
  expect(await summaryOf({ maxAgeDays: 31 })).toEqual(["detach 2026-08", "detach 2026-09"]);
  expect(await summaryOf({ maxAgeDays: 0 })).toEqual(["detach 2026-08", "detach 2026-09", "detach 2026-10"]);
  // One millisecond later another month is over.
  expect(await summaryOf({ maxAgeDays: 0 }, new Date("2026-12-01T00:00:00.001Z"))).toContain("detach 2026-11");
  expect(await summaryOf({ maxBytes: 0 })).toEqual(["detach 2026-08", "detach 2026-09", "detach 2026-10"]);
  const all = await listPartitions(db, table);
  const total = all.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  expect(await summaryOf({ maxBytes: total })).toEqual([]);
  expect(await summaryOf({ maxBytes: total - 1 })).toEqual(["detach 2026-08"]);
});

test("a partition is detached, kept for its grace, exported, dropped, and can be brought back as it was", async () => {
  await using folder = await createServerFolder();
  const exportDir = join(folder.path, "exports");
  const policy = { maxAgeDays: 80, graceDays: 1, exportDir };
  await db.run(addRows, [5_000, "2026-08-15T00:00:00Z"]);
  await db.run(addRows, [10, "2026-11-15T00:00:00Z"]);
  const before = await db.rows(rowsOf, []);
  const step = async (at = now) => {
    const [next] = await plan(policy, at);
    if (next === undefined) throw new Error("There is nothing to do");
    await retirePartition(db, next, { table, exportDir });
    return next.action;
  };
  expect(await step()).toBe("detach");
  expect(await statesOf()).toMatchObject({ "2026-08": "detached", "2026-09": "attached" });
  expect(await summaryOf(policy, new Date(Date.now() + 1_000))).toEqual([]);
  const later = new Date(Date.now() + 25 * 3_600_000);
  const graceOver = { ...policy, maxAgeDays: undefined };
  expect(await summaryOf(graceOver, later)).toEqual(["export 2026-08", "drop 2026-08"]);
  const [toExport, toDrop] = await plan(graceOver, later);
  if (toExport === undefined || toDrop === undefined) throw new Error("Two steps were planned");
  await retirePartition(db, toExport, { table, exportDir });
  await retirePartition(db, toExport, { table, exportDir }); // as after a crash
  expect(await summaryOf(graceOver, later)).toEqual(["drop 2026-08"]);
  await retirePartition(db, toDrop, { table, exportDir });
  await retirePartition(db, toDrop, { table, exportDir });
  expect(Object.keys(await statesOf())).not.toContain("2026-08");

  const file = join(exportDir, "telemetry_events_y2026m08.ndjson.zst");
  const bytes = await readFile(file);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  const damaged = join(exportDir, "damaged.ndjson.zst");
  await writeFile(damaged, bytes);
  await expect(restorePartition(db, damaged)).rejects.toThrow("manifest");
  await writeFile(join(exportDir, "damaged.json"), await readFile(file.replace(".ndjson.zst", ".json")));
  await expect(restorePartition(db, damaged)).rejects.toThrow("checksum");

  expect(await restorePartition(db, file)).toEqual({ month: "2026-08", rows: 5_000 });
  expect(await db.rows(rowsOf, [])).toEqual(before);
  await expect(restorePartition(db, file)).rejects.toThrow("already");
});

test("a detachment that was cut short by a reader is finished later, and nobody waits for it meanwhile", async () => {
  await db.run(addRows, [10, "2026-08-15T00:00:00Z"]);
  const [step] = await plan({ maxAgeDays: 80 });
  if (step === undefined) throw new Error("A step was planned");
  await using writer = await connectPostgres({ url, applicationName: "test-writer", minConnections: 0 });
  await db.transaction(async (reader) => {
    await reader.rows(rowsOf, []);
    const options = { table, exportDir: undefined, waitForReadersMs: 300, lockTimeoutMs: 100, tries: 2 };
    await expect(retirePartition(db, step, options)).rejects.toThrow();
    expect((await statesOf())["2026-08"]).toBe("detaching");
    // Reads and writes of everybody else go on, and a coming month can still be made.
    await writer.run(addRows, [10, "2026-11-15T00:00:00Z"]);
    expect(await writer.rows(rowsOf, [])).toMatchObject([{ rows: "10" }]);
    expect(await reader.rows(rowsOf, [])).toMatchObject([{ rows: "10" }]);
  });
  expect(await summaryOf({})).toEqual(["finish_detaching 2026-08"]);
  for (const next of await plan({})) await retirePartition(db, next, { table, exportDir: undefined });
  expect((await statesOf())["2026-08"]).toBe("detached");
});

test("a table that somebody detached by hand is left alone", async () => {
  const detachByHand = "ALTER TABLE telemetry_events DETACH PARTITION telemetry_events_y2026m08";
  await db.run(statement<[], never>("test.detach", detachByHand), []);
  expect(await summaryOf({ maxAgeDays: 0 })).toEqual(["detach 2026-09", "detach 2026-10"]);
});

const later = new Date("2036-01-01T00:00:00Z");
const detachStep = (reason: string): RetentionStep => {
  const partition = "telemetry_events_y2026m08";
  return { action: "detach", partition, month: "2026-08", bytes: 0, reason, locks: "" };
};
const about08 = async () => (await summaryOf({ graceDays: 0 }, later)).filter((text) => text.endsWith("2026-08"));

test("a month that an operator took out is kept until they drop it, whatever the grace", async () => {
  await retirePartition(db, detachStep(byHand), { table, exportDir: undefined });
  expect((await statesOf())["2026-08"]).toBe("detached");
  expect(await about08()).toEqual([]);
});

test("a month that was put back and is taken out by hand later is not taken for one that retention took out", async () => {
  await retirePartition(db, detachStep("older than 31 days"), { table, exportDir: undefined });
  expect(await about08()).toEqual(["drop 2026-08"]);
  await db.transaction((tx) => attachMonth(tx, table, "2026-08"));
  expect(await forgetReattachedPartitions(db, table)).toBe(1);
  expect(await forgetReattachedPartitions(db, table)).toBe(0);
  const detachByHand = "ALTER TABLE telemetry_events DETACH PARTITION telemetry_events_y2026m08";
  await db.run(statement<[], never>("test.detach", detachByHand), []);
  expect(await about08()).toEqual([]);
});

test("a month that was dropped by hand and made again is a new one, of which nothing is noted", async () => {
  await settlePartition(db, table, "telemetry_events_y2026m08");
  await db.run(statement<[], never>("test.drop", "DROP TABLE telemetry_events_y2026m08"), []);
  await createMonthlyPartition(db, table, "2026-08");
  expect((await listPartitions(db, table))[0]).toMatchObject({ month: "2026-08", settledAt: undefined });
});

test("of two that export a month at once one does, and what it wrote is whole", async () => {
  await using folder = await createServerFolder();
  await db.run(addRows, [3_000, "2026-08-15T00:00:00Z"]);
  const options = { table, partition: "telemetry_events_y2026m08", directory: folder.path };
  let exports: Promise<unknown>[] = [];
  await db.transaction(async (other) => {
    await other.run(statement<[], never>("test.lock", `LOCK TABLE ${options.partition}`), []);
    exports = [exportPartition(db, options), exportPartition(db, options)];
    await expect(Promise.race(exports)).rejects.toThrow(ExportUnderWayError); // the other one waits for the table
  });
  const outcomes = await Promise.allSettled(exports);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const { batches } = await readExport(join(folder.path, "telemetry_events_y2026m08.ndjson.zst"));
  let lines = 0;
  for await (const batch of batches) lines += batch.length;
  expect(lines).toBe(3_000);
});

test("a clock that runs ahead makes nothing older than the database thinks it is", async () => {
  const [{ now: there } = { now: new Date(0) }] = await db.rows(
    statement<[], { now: Date }>("test.now", "SELECT clock_timestamp() AS now"),
    [],
  );
  const ahead = await retentionNow(db, new Date("2999-01-01T00:00:00Z"));
  expect(ahead.getTime()).toBeGreaterThanOrEqual(there.getTime());
  expect(ahead.getTime()).toBeLessThan(there.getTime() + 600_000);
  const behind = new Date("2020-01-01T00:00:00Z");
  expect(await retentionNow(db, behind)).toEqual(behind);
});

test("a month that somebody has locked, or that an old snapshot still sees, is not taken for settled", async () => {
  const partition = "telemetry_events_y2026m09";
  const settledAt = async () => (await listPartitions(db, table)).find(({ name }) => name === partition)?.settledAt;
  await db.run(addRows, [1_000, "2026-09-15T00:00:00Z"]);
  await db.transaction(async (other) => {
    await other.run(statement<[], never>("test.lock", `LOCK TABLE ${partition}`), []);
    const patience = { lockTimeoutMs: 50, tries: 2 };
    await expect(settlePartition(db, table, partition, patience)).rejects.toMatchObject({ code: "55P03" });
  });
  await db.transaction(async (other) => {
    await other.run(statement<[], never>("test.isolate", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"), []);
    await other.rows(rowsOf, []);
    await db.run(addRows, [10, "2026-09-16T00:00:00Z"]);
    expect(await settlePartition(db, table, partition)).toBe(false);
  });
  expect(await settledAt()).toBeUndefined();
  await db.run(statement<[], never>("test.flush", "CHECKPOINT"), []);
  expect(await settlePartition(db, table, partition)).toBe(true);
  expect(await settledAt()).toBeInstanceOf(Date);
});

test("a month that is over is frozen once, and its large values are compressed with lz4 where there is that", async () => {
  await db.run(addRows, [1_000, "2026-09-15T00:00:00Z"]);
  const due = partitionsToSettle(await listPartitions(db, table), now).map(({ month }) => month);
  expect(due).toEqual(["2026-08", "2026-09", "2026-10"]);
  // The test's server commits asynchronously, and rows are only seen as committed for good once that is on disk.
  await db.run(statement<[], never>("test.flush", "CHECKPOINT"), []);
  await settlePartition(db, table, "telemetry_events_y2026m09");
  const after = partitionsToSettle(await listPartitions(db, table), now).map(({ month }) => month);
  expect(after).toEqual(["2026-08", "2026-10"]);
  const frozen = statement<[], { visible: number; pages: number; compression: string; has_lz4: boolean }>(
    "test.visibility",
    `SELECT relallvisible AS visible, relpages AS pages,
            (SELECT attcompression FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'data') AS compression,
            (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') AS has_lz4
       FROM pg_class WHERE relname = 'telemetry_events_y2026m09'`,
  );
  const [seen] = await db.rows(frozen, []);
  expect(seen?.visible).toBe(seen?.pages);
  expect(seen?.compression).toBe(seen?.has_lz4 ? "l" : "");
});
