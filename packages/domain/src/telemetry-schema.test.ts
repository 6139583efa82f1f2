import { readFile } from "node:fs/promises";
import { type Db, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { planOf } from "./testing/plan.ts";

test("partitioning telemetry and taking it back keeps every row, each in the month of its time", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await applyMigration(db, "0005_partition_telemetry_events.down.sql");
  await db.run(insertEvents, []);
  const before = await db.rows(selectEvents, []);
  expect(before).toHaveLength(6);

  await applyMigration(db, "0005_partition_telemetry_events.up.sql");
  expect(await db.rows(selectEvents, [])).toEqual(before);
  expect(await db.rows(selectPlaces, [])).toEqual([
    { id: "leap day", partition: "telemetry_events_y2024m02" },
    { id: "last of 2024", partition: "telemetry_events_y2024m12" },
    { id: "first of 2025", partition: "telemetry_events_y2025m01" },
    { id: "last of January", partition: "telemetry_events_y2025m01" },
    { id: "first of February", partition: "telemetry_events_y2025m02" },
    { id: "same id, another source", partition: "telemetry_events_y2025m02" },
  ]);

  await applyMigration(db, "0005_partition_telemetry_events.down.sql");
  expect(await db.rows(selectEvents, [])).toEqual(before);
});

test("there is no default partition", async () => {
  await using database = await createTestDatabase();
  const [parent] = await database.db.rows(selectPartitioning, []);
  expect(parent).toEqual({ key: `RANGE ("time")`, default_partition: "0" });
});

test("the columns have the order in which rows are copied, in quarantine too", async () => {
  await using database = await createTestDatabase();
  const columns = await database.db.rows(selectColumns, []);
  const copied = ["id", "source", "type", "subject", "time", "data", "extensions", "received_at"];
  expect(columns).toEqual([
    { table: "telemetry_events", columns: copied },
    { table: "telemetry_events_quarantine", columns: [...copied, "reason"] },
  ]);
});

test("the planner reads telemetry by each of its indexes", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  for (const part of seedTelemetry) await db.run(part, []);
  for (const [index, text] of Object.entries(readings)) {
    const plan = await planOf(db, statement("test.reading", text), []);
    expect(plan.indexes, text).toContain(`telemetry_events_y2025m03_${index}`);
    expect(plan.nodeTypes, text).not.toContain("Seq Scan");
  }
});

/** What each index of a partition is for; PostgreSQL names it after its columns. */
const readings = {
  pkey: `SELECT * FROM telemetry_events WHERE id = 'event-77'`,
  time_id_idx: `SELECT * FROM telemetry_events WHERE time < '2025-03-20Z' ORDER BY time DESC, id DESC, source DESC LIMIT 50`,
  type_time_idx: `SELECT * FROM telemetry_events WHERE type = 'type-7' ORDER BY time DESC, id DESC, source DESC LIMIT 50`,
  source_time_idx: `SELECT * FROM telemetry_events WHERE source = 'host-7' ORDER BY time DESC, id DESC, source DESC LIMIT 50`,
  subject_time_idx: `SELECT * FROM telemetry_events WHERE subject = 'disk-7' ORDER BY time DESC, id DESC, source DESC LIMIT 50`,
  data_idx: `SELECT * FROM telemetry_events WHERE data @> '{"request": 4711}' ORDER BY time DESC, id DESC, source DESC LIMIT 50`,
};

const seedTelemetry = [
  statement(
    "seed.partition",
    `CREATE TABLE telemetry_events_y2025m03 PARTITION OF telemetry_events
       FOR VALUES FROM ('2025-03-01 00:00:00Z') TO ('2025-04-01 00:00:00Z')`,
  ),
  statement(
    "seed.telemetry",
    `INSERT INTO telemetry_events (id, source, type, subject, time, data)
     SELECT 'event-' || n, 'host-' || n * 7919 % 200, 'type-' || n * 104729::bigint % 150,
            CASE WHEN n % 3 = 0 THEN 'disk-' || n % 400 END, '2025-03-01Z'::timestamptz + n * interval '1 minute',
            jsonb_build_object('request', n, 'load', n % 100)
       FROM generate_series(1, 30000) AS n`,
  ),
  statement("seed.analyze_telemetry", `ANALYZE telemetry_events`),
];

const insertEvents = statement(
  "test.insert_events",
  `INSERT INTO telemetry_events (id, source, type, subject, time, data, extensions) VALUES
     ('leap day', 's', 't', NULL, '2024-02-29 12:00:00Z', '{"a": 1}', NULL),
     ('last of 2024', 's', 't', 'x', '2024-12-31 23:59:59.999999Z', NULL, '{"traceparent": "00"}'),
     ('first of 2025', 's', 't', 'x', '2025-01-01 00:00:00Z', NULL, NULL),
     ('last of January', 's', 't', 'x', '2025-01-31 23:59:59.999999Z', NULL, NULL),
     ('first of February', 's', 't', 'x', '2025-02-01 00:00:00Z', NULL, NULL),
     ('same id, another source', 's2', 't', 'x', '2025-02-01 00:00:00Z', NULL, NULL)`,
);

const selectEvents = statement<[], { event: unknown }>(
  "test.select_events",
  `SELECT to_jsonb(telemetry_events) AS event FROM telemetry_events ORDER BY time, id`,
);

const selectPlaces = statement<[], { id: string; partition: string }>(
  "test.select_places",
  `SELECT id, tableoid::regclass::text AS partition FROM telemetry_events ORDER BY time, id`,
);

const selectPartitioning = statement<[], { key: string; default_partition: string }>(
  "test.partitioning",
  `SELECT pg_get_partkeydef(partrelid) AS key, partdefid::text AS default_partition
     FROM pg_partitioned_table WHERE partrelid = 'telemetry_events'::regclass`,
);

const selectColumns = statement<[], { table: string; columns: string[] }>(
  "test.columns",
  `SELECT table_name::text AS table, array_agg(column_name::text ORDER BY ordinal_position) AS columns
     FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name IN ('telemetry_events', 'telemetry_events_quarantine')
    GROUP BY table_name
    ORDER BY table_name`,
);

/** Runs a file of one migration as the runner does: all of it in one transaction. */
async function applyMigration(db: Db, file: string): Promise<void> {
  const text = await readFile(new URL(`../../../migrations/${file}`, import.meta.url), "utf8");
  await db.transaction((tx) => tx.run(statement("test.migration", text), []));
}
