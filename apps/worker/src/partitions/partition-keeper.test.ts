import { partitionMonths, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { createPartitionKeeper } from "./partition-keeper.ts";

const table = "telemetry_events";
const window = { maxAgeDays: 90, maxAheadDays: 31 };

test("the current month and the next ones are there before they are needed, whoever else makes them too", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const keepers = Array.from({ length: 5 }, () =>
    createPartitionKeeper({ db, table, window, premakeMonths: 3, now: () => new Date("2026-11-30T23:59:59.999Z") }),
  );
  await Promise.all(keepers.map((keeper) => keeper.premake()));
  const months = await partitionMonths(db, table);
  expect([...months].sort()).toEqual(["2026-11", "2026-12", "2027-01", "2027-02"]);
});

test("a month at the edge of the window gets a partition, one beyond it does not", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const keeper = createPartitionKeeper({
    db,
    table,
    window,
    premakeMonths: 1,
    now: () => new Date("2026-11-23T00:00:00Z"),
  });
  const outside = await keeper.ensure(["2026-07", "2026-08", "2026-12", "2027-01"]);
  expect([...outside]).toEqual([
    ["2026-07", "outside_accepted_window"],
    ["2027-01", "outside_accepted_window"],
  ]);
  expect([...(await partitionMonths(db, table))].sort()).toEqual(["2026-08", "2026-12"]);
});

test("a partition is made while a long reader has the table open, and writers do not wait for it", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const keeper = createPartitionKeeper({
    db,
    table,
    window,
    premakeMonths: 1,
    now: () => new Date("2026-11-23T00:00:00Z"),
  });
  await keeper.ensure(["2026-11"]);
  await db.transaction(async (reader) => {
    await reader.rows(statement<[], { n: string }>("test.read", "SELECT count(*) AS n FROM telemetry_events"), []);
    await keeper.ensure(["2026-10"]);
  });
  expect((await partitionMonths(db, table)).has("2026-10")).toBe(true);
});

test("a month that was taken out of the table does not come back by itself, and is told once", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const told: string[] = [];
  const keeper = createPartitionKeeper({
    db,
    table,
    window,
    premakeMonths: 0,
    now: () => new Date("2026-11-23T00:00:00Z"),
    onDetached: (month) => void told.push(month),
  });
  await keeper.ensure(["2026-10"]);
  await db.run(
    statement<[], never>("test.detach", "ALTER TABLE telemetry_events DETACH PARTITION telemetry_events_y2026m10"),
    [],
  );
  keeper.forget();
  const refused = new Map([["2026-10", "partition_detached"]]);
  expect(await keeper.ensure(["2026-10", "2026-11"])).toEqual(refused);
  expect(await keeper.ensure(["2026-10", "2026-11"])).toEqual(refused);
  expect(told).toEqual(["2026-10"]);
  expect([...(await partitionMonths(db, table))]).toEqual(["2026-11"]);
});
