import { connectPostgres, createMonthlyPartition, type Postgres, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { growthOf, growthPerDay } from "../samples/rates.ts";
import { type DatabaseSample, type SampleRow, samplesSince, takeSample } from "../samples/sample.ts";
import { databaseHealth } from "./database-health.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
});
afterEach(() => database[Symbol.asyncDispose]());

const options = { partitionedTable: "telemetry_events", now: () => new Date("2026-11-30T23:59:59Z") };
const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
async function checkOf(id: string) {
  return (await databaseHealth(db, options)).find((check) => check.id === id);
}

test("a sound database has nothing amiss; what cannot be told yet is skipped and says so", async () => {
  await createMonthlyPartition(db, "telemetry_events", "2026-11");
  await createMonthlyPartition(db, "telemetry_events", "2026-12");
  await createMonthlyPartition(db, "telemetry_events", "2027-01");
  const checks = await databaseHealth(db, options);
  const bad = checks.filter(({ status }) => status === "warning" || status === "critical");
  expect(bad).toEqual([]);
  const unknown = checks.filter(({ status }) => status === "skipped");
  expect(unknown.map(({ id }) => id)).toEqual(["buffer_hits", "rollbacks", "disk"]);
  for (const { advice } of unknown) expect(advice).not.toBe("");
});

test("missing months, an ending sequence and a transaction that blocks others are found", async () => {
  expect(await checkOf("partition_horizon")).toMatchObject({ status: "critical", value: -1 });
  await createMonthlyPartition(db, "telemetry_events", "2026-11");
  expect(await checkOf("partition_horizon")).toMatchObject({ status: "critical", value: 0 });
  await createMonthlyPartition(db, "telemetry_events", "2026-12");
  expect(await checkOf("partition_horizon")).toMatchObject({ status: "warning", value: 1 });

  await command(`CREATE TABLE "Short Lived" (id serial PRIMARY KEY)`);
  await command(`SELECT setval('"Short Lived_id_seq"', 2000000000)`);
  expect(await checkOf("sequences")).toMatchObject({
    status: "critical",
    evidence: [{ table: '"Short Lived"', column: "id" }, {}].slice(0, 1),
  });

  const waiting: Promise<unknown>[] = [];
  await using others = await connectPostgres({ url: database.url, applicationName: "test-waiter", minConnections: 0 });
  await db.transaction(async (root) => {
    await root.run(statement<[], never>("test.lock", `LOCK TABLE "Short Lived"`), []);
    for (let count = 0; count < 3; count += 1) {
      waiting.push(others.rows(statement<[], unknown>("test.wait", `SELECT * FROM "Short Lived"`), []));
    }
    await expect.poll(async () => (await checkOf("blocked"))?.value).toBe(3);
    const blocked = await checkOf("blocked");
    expect(blocked).toMatchObject({ status: "warning" });
    expect(blocked?.evidence.map(({ depth }) => depth)).toEqual([0, 1, 1, 1]);
    expect(blocked?.evidence[0]).toMatchObject({ state: "idle in transaction" });
  });
  await Promise.all(waiting);
});

test("a sample has the figures that PostgreSQL's own views give", async () => {
  const { sample } = await takeSample(db);
  const [truth] = await db.rows(
    statement<[], { bytes: string; max: number; inserted: string }>(
      "test.truth",
      `SELECT pg_database_size(current_database()) AS bytes, current_setting('max_connections')::int - 3 AS max,
              tup_inserted AS inserted FROM pg_stat_database WHERE datname = current_database()`,
    ),
    [],
  );
  expect(sample.connections_max).toBe(truth?.max);
  expect(Math.abs(sample.database_bytes - Number(truth?.bytes))).toBeLessThan(1_000_000);
  expect(sample.rows_inserted_total).toBeLessThanOrEqual(Number(truth?.inserted));
  expect(Object.values(sample).every((value) => value === null || Number.isFinite(value))).toBe(true);
  expect(await samplesSince(db, new Date(Date.now() - 60_000))).toHaveLength(1);
});

test("growth counts over a reset, and the disk's end is foretold from the trend", () => {
  const at = (hours: number, sample: Partial<DatabaseSample>): SampleRow => ({
    taken_at: new Date(hours * 3_600_000),
    sample: sample as DatabaseSample,
  });
  const commits = [10, 30, 5, 6].map((total, hour) => at(hour, { commits_total: total }));
  expect(growthOf(commits, "commits_total")).toBe(20 + 5 + 1);
  const bytes = [0, 12, 24, 36].map((hours) => at(hours, { database_bytes: 1_000 + 50 * hours }));
  expect(growthPerDay(bytes)).toBeCloseTo(1_200);
  expect(growthPerDay(bytes.slice(0, 1))).toBeUndefined();
});
