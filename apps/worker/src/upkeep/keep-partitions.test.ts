import { connectPostgres, createMonthlyPartition, listPartitions, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import type { Run } from "@millrace/upkeep";
import { expect, test } from "vitest";
import { createPartitionKeeper } from "../partitions/partition-keeper.ts";
import { keepPartitions } from "./keep-partitions.ts";

const table = "telemetry_events";

test("upkeep premakes, retires and settles; what a reader holds up is put off and done by a later run", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await using upkeepDb = await connectPostgres({ url: database.url, applicationName: "test", minConnections: 0 });
  for (const month of ["2026-07", "2026-08", "2026-09", "2026-10"]) await createMonthlyPartition(db, table, month);
  // The last millisecond of a month.
  const now = () => new Date("2026-11-30T23:59:59.999Z");
  const keeper = createPartitionKeeper({
    db,
    table,
    window: { maxAgeDays: 90, maxAheadDays: 31 },
    premakeMonths: 1,
    now,
  });
  const retention = { maxAgeDays: 31, maxBytes: undefined, graceDays: 0, exportDir: undefined };
  const keep = async () => {
    const changes: Record<string, number> = {};
    const run: Run = {
      signal: new AbortController().signal,
      unfinishedSince: undefined,
      changed: (what, count = 1) => {
        changes[what] = (changes[what] ?? 0) + count;
      },
      giveWay: async () => {},
    };
    await keepPartitions({ db: upkeepDb, table, keeper, retention, now: async () => now(), waitForReadersMs: 200 })(
      run,
    );
    return changes;
  };
  const statesOf = async () => (await listPartitions(db, table)).map(({ month, state }) => `${month} ${state}`);

  await db.transaction(async (reader) => {
    await reader.rows(statement<[], unknown>("test.read", "SELECT count(*) FROM telemetry_events"), []);
    expect(await keep()).toEqual({ detach_put_off: 1, settled: 3 });
  });
  expect(await statesOf()).toEqual([
    "2026-07 detaching",
    "2026-08 attached",
    "2026-09 attached",
    "2026-10 attached",
    "2026-11 attached",
    "2026-12 attached",
  ]);
  expect(await keep()).toEqual({ finish_detaching: 1, detach: 2 });
  expect(await keep()).toEqual({ drop: 3 });
  expect(await keep()).toEqual({});
  expect(await statesOf()).toEqual(["2026-10 attached", "2026-11 attached", "2026-12 attached"]);
});
