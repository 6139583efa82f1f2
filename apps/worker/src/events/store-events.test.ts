import { type Db, partitionMonths, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { copyRowOf, monthOf } from "@millrace/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPartitionKeeper } from "../partitions/partition-keeper.ts";
import { keepUnreadableJobs } from "./event-tables.ts";
import { createEventStore, type EventRows } from "./store-events.ts";

const received = "2026-11-23T10:00:00.000Z";
const now = (): Date => new Date(received);

const counted = { inserted: 0, quarantined: 0, deadLettered: 0 };

function eventStoreOf(db: Db, clock = now) {
  const window = { maxAgeDays: 3_650, maxAheadDays: 31 };
  const partitions = createPartitionKeeper({ db, table: "telemetry_events", window, premakeMonths: 1, now: clock });
  return createEventStore({ db, partitions });
}

function rowsOf(events: readonly { id: string; time?: string; dataJson?: string }[]): EventRows {
  const lines = events.map(({ id, time = received, dataJson = '{"a":1}' }) => ({
    row: copyRowOf({ id, source: "/s", type: "t", time, dataJson }, received),
    month: monthOf(time),
  }));
  return { rows: lines.map(({ row }) => row).join(""), months: [...new Set(lines.map(({ month }) => month))] };
}

const countIn = (table: string) =>
  statement<[], { ids: string[] | null }>("test.ids", `SELECT array_agg(id ORDER BY id) AS ids FROM ${table}`);
const idsIn = async (db: Db, table: string): Promise<string[]> => (await db.rows(countIn(table), []))[0]?.ids ?? [];

const monthsOf = async (db: Db): Promise<string[]> => [...(await partitionMonths(db, "telemetry_events"))].sort();

test("rows of several jobs are stored, and storing them again changes nothing", async () => {
  await using database = await createTestDatabase();
  const store = eventStoreOf(database.db);
  const jobs = [rowsOf([{ id: "a" }, { id: "b" }]), rowsOf([{ id: "c" }])];
  expect(await store(jobs)).toEqual({ inserted: 3, quarantined: 0, deadLettered: 0 });
  expect(await store([...jobs, rowsOf([{ id: "d" }])])).toEqual({ inserted: 1, quarantined: 0, deadLettered: 0 });
  expect(await idsIn(database.db, "telemetry_events")).toEqual(["a", "b", "c", "d"]);
});

test("two workers that store the same rows in different orders leave each once", async () => {
  await using database = await createTestDatabase();
  const ids = Array.from({ length: 500 }, (_, index) => ({ id: `e${index}` }));
  const [one, two] = [eventStoreOf(database.db), eventStoreOf(database.db)];
  const counts = await Promise.all([one([rowsOf(ids)]), two([rowsOf(ids.toReversed())])]);
  expect(counts.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(500);
  expect(new Set(await idsIn(database.db, "telemetry_events")).size).toBe(500);
});

test("events of a month whose partition was detached are kept in quarantine; their neighbours are stored", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const store = eventStoreOf(db);
  const late = { id: "late", time: "2026-10-05T00:00:00.000Z" };
  await store([rowsOf([{ ...late, id: "in time" }])]);
  await db.run(
    statement<[], never>("test.detach", "ALTER TABLE telemetry_events DETACH PARTITION telemetry_events_y2026m10"),
    [],
  );
  const jobs = [rowsOf([late, { id: "neighbour" }])];
  expect(await store(jobs)).toEqual({ inserted: 1, quarantined: 1, deadLettered: 0 });
  expect(await store(jobs)).toEqual({ inserted: 0, quarantined: 0, deadLettered: 0 });
  expect(await idsIn(db, "telemetry_events")).toEqual(["neighbour"]);
  expect(await idsIn(db, "telemetry_events_quarantine")).toEqual(["late"]);
});

test("late events get their month's partition on demand; those outside the window go to quarantine", async () => {
  await using database = await createTestDatabase();
  const counts = await eventStoreOf(database.db)([
    rowsOf([
      { id: "now" },
      { id: "late", time: "2019-02-28T23:59:59.999999Z" },
      { id: "too late", time: "1999-01-01T00:00:00Z" },
      { id: "far ahead", time: "9999-12-31T23:59:59Z" },
    ]),
  ]);
  expect(counts).toEqual({ inserted: 2, quarantined: 2, deadLettered: 0 });
  expect(await idsIn(database.db, "telemetry_events_y2019m02")).toEqual(["late"]);
  expect(await idsIn(database.db, "telemetry_events_quarantine")).toEqual(["far ahead", "too late"]);
});

test("a partition that was dropped behind our back is made again", async () => {
  await using database = await createTestDatabase();
  const store = eventStoreOf(database.db);
  await store([rowsOf([{ id: "a" }])]);
  await database.db.run(statement<[], never>("test.drop", "DROP TABLE telemetry_events_y2026m11"), []);
  expect(await store([rowsOf([{ id: "b" }])])).toMatchObject({ inserted: 1 });
});

test("at midnight UTC at a month's end each row gets into its month, though nothing was made before", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  let clock = new Date("2026-11-30T23:59:59.000Z");
  // Upkeep never runs; of the months to come it knows nothing.
  const store = eventStoreOf(db, () => clock);
  const before = { id: "before", time: "2026-11-30T23:59:59.999999Z" };
  expect(await store([rowsOf([before])])).toEqual({ ...counted, inserted: 1 });
  expect(await monthsOf(db)).toEqual(["2026-11"]);
  clock = new Date("2026-12-01T00:00:00.001Z");
  const late = { id: "late", time: "2026-11-30T23:59:59.999998Z" };
  const after = { id: "on the stroke", time: "2026-12-01T00:00:00.000000Z" };
  await db.transaction(async (reader) => {
    await reader.rows(countIn("telemetry_events"), []);
    // Whoever has the table open meanwhile is not waited for.
    expect(await store([rowsOf([late, after])])).toEqual({ ...counted, inserted: 2 });
  });
  expect(await idsIn(db, "telemetry_events_y2026m11")).toEqual(["before", "late"]);
  expect(await idsIn(db, "telemetry_events_y2026m12")).toEqual(["on the stroke"]);
});

test("a table that was idle for years takes events again, and makes no months between", async () => {
  await using database = await createTestDatabase();
  let clock = now();
  const store = eventStoreOf(database.db, () => clock);
  await store([rowsOf([{ id: "then" }])]);
  clock = new Date("2031-05-31T23:59:59.999Z");
  expect(await store([rowsOf([{ id: "since", time: "2031-05-31T23:59:59Z" }])])).toEqual({ ...counted, inserted: 1 });
  expect(await monthsOf(database.db)).toEqual(["2026-11", "2031-05"]);
});

test.each([
  ["names its month", "52217-03-04T00:00:00Z", ["52217-0"]],
  ["names another month", "52217-03-04T00:00:00Z", ["2026-11"]],
  ["names none", "52217-03-04T00:00:00Z", []],
  ["is of a year between the window's as text", "20201-03-04T00:00:00Z", ["20201-0"]],
  ["is old and says otherwise", "1999-01-01T00:00:00Z", ["2026-11"]],
])(
  "a job written by hand with a time in a far year that %s: quarantine, and its neighbours stay",
  async (_, time, months) => {
    await using database = await createTestDatabase();
    const { db } = database;
    const { rows } = rowsOf([{ id: "good" }, { id: "far", time }, { id: "good too" }]);
    expect(await eventStoreOf(db)([{ rows, months }])).toEqual({ ...counted, inserted: 2, quarantined: 1 });
    expect(await idsIn(db, "telemetry_events")).toEqual(["good", "good too"]);
    expect(await idsIn(db, "telemetry_events_quarantine")).toEqual(["far"]);
  },
);

test("a time that PostgreSQL cannot read is a dead letter, and its neighbours in quarantine stay there", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const events = [
    { id: "good" },
    { id: "old", time: "1999-01-01T00:00:00Z" },
    { id: "no", time: "999999-01-01T00:00:00Z" },
  ];
  expect(await eventStoreOf(db)([rowsOf(events)])).toEqual({ inserted: 1, quarantined: 1, deadLettered: 1 });
});

test("a time with an offset belongs to its month in UTC", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const events = [{ id: "east", time: "2026-12-01T00:30:00+05:00" }];
  expect(await eventStoreOf(db)([rowsOf(events)])).toEqual({ ...counted, inserted: 1 });
  expect(await idsIn(db, "telemetry_events_y2026m11")).toEqual(["east"]);
});

test("what PostgreSQL refuses becomes a dead letter once, and its neighbours are committed", async () => {
  await using database = await createTestDatabase();
  const store = eventStoreOf(database.db);
  const events = Array.from({ length: 20 }, (_, index) => ({
    id: `e${String(index).padStart(2, "0")}`,
    dataJson: index % 7 === 3 ? '{"a":"\\u0000"}' : "{}",
  }));
  expect(await store([rowsOf(events)])).toEqual({ inserted: 17, quarantined: 0, deadLettered: 3 });
  await store([rowsOf(events)]);
  expect(await idsIn(database.db, "telemetry_events")).toHaveLength(17);
  expect(await idsIn(database.db, "dead_letters")).toHaveLength(3);
});

test("a letter that was redriven in vain waits again, with one more attempt", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const store = eventStoreOf(db);
  const bad = [rowsOf([{ id: "bad", dataJson: '"\\u0000"' }])];
  const letters = statement<[], { attempts: number; waits: boolean }>(
    "test.letters",
    "SELECT attempts, redriven_at IS NULL AS waits FROM dead_letters",
  );
  await store(bad);
  await db.run(statement<[], never>("test.redrive", "UPDATE dead_letters SET redriven_at = now()"), []);
  await store(bad);
  await store(bad);
  expect(await db.rows(letters, [])).toEqual([{ attempts: 2, waits: true }]);
});

test("a job that nobody can read is kept as a dead letter, once", async () => {
  await using database = await createTestDatabase();
  const keep = keepUnreadableJobs(database);
  const job = {
    queue: "ingest",
    name: "events.import",
    data: { rows: "\u0000", count: -1 },
    message: "count: too small",
  };
  await keep(job);
  await keep(job);
  expect(await idsIn(database.db, "dead_letters")).toHaveLength(1);
});

test("any mixture of good, repeated and refused rows ends with each good one exactly once", async () => {
  await using database = await createTestDatabase();
  const store = eventStoreOf(database.db);
  const isGood = (id: number): boolean => id % 5 !== 0;
  const job = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 20 });
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(fc.array(job, { minLength: 1, maxLength: 4 }), async (jobs) => {
      await store(
        jobs.map((ids) => rowsOf(ids.map((id) => ({ id: `p${id}`, dataJson: isGood(id) ? "{}" : '"\\u0000"' })))),
      );
      for (const id of jobs.flat()) if (isGood(id)) seen.add(id);
      const stored = await idsIn(database.db, "telemetry_events");
      expect(stored).toEqual([...seen].map((id) => `p${id}`).sort());
    }),
    { numRuns: 25 },
  );
});
