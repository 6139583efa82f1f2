import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { createKey } from "@millrace/access";
import {
  addMonths,
  createMonthlyPartition,
  type Db,
  listPartitions,
  monthAt,
  type Postgres,
  partitionsToSettle,
  planRetention,
  retirePartition,
  settlePartition,
  statement,
} from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { appEnvironment, connectBench } from "./bench-servers.ts";
import { startChild } from "./child.ts";
import { getBytes, httpLoad } from "./load/http-load.ts";

const table = "telemetry_events";
const counts = [1, 12, 60, 120] as const;
const rounds = 5;

const fillMonth = statement<[rows: number, from: string, seconds: number], never>(
  "bench.fill_month",
  `INSERT INTO telemetry_events (id, source, type, subject, time, data)
   SELECT gen_random_uuid()::text, 'bench/' || n % 50, 'bench.' || n % 20, 's' || n % 500,
          $2::timestamptz + n * ($3::float8 / $1::int) * interval '1 s', jsonb_build_object('n', n)
     FROM generate_series(0, $1::int - 1) AS n`,
);
const command = (text: string) => statement<[], never>("bench.command", text);

/**
 * Reads the last day's newest events over HTTP from tables with 1, 12, 60 and 120 months of the same size each, in
 * turns; then does upkeep of the largest while rows are stored in it and a reader has it open.
 */
export async function runPartitions({ json, rows, servers }: { json: boolean; rows: number; servers: Servers }) {
  await using parts = new AsyncDisposableStack();
  const perMonth = Math.max(1_000, Math.round(rows / 120));
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const tables: { count: number; url: string; key: string; db: Postgres }[] = [];
  for (const count of counts) {
    const { db, databaseUrl } = await createTable(servers, count, perMonth, parts);
    const { key } = await createKey(db, { name: "bench", scopes: ["read"] });
    const env = { ...appEnvironment({ ...servers, databaseUrl }), QUEUE_PREFIX: `bench-${count}` };
    const { url } = parts.use(await startChild("apps/api/src/main.ts", { env }));
    tables.push({ count, url, key, db });
    say(`${count} months with ${perMonth} rows each`);
  }
  const p95s = new Map(counts.map((count) => [count, [] as number[]]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { count, url, key } of tables) {
      const p95 = await readRecent(url, key, 1_000);
      // The first round warms up.
      if (round > 0) p95s.get(count as (typeof counts)[number])?.push(p95);
    }
  }
  const p95 = Object.fromEntries([...p95s].map(([count, values]) => [count, middle(values)]));
  const largest = tables.at(-1);
  if (largest === undefined) throw new Error("There are tables");
  const stall = await upkeepUnderLoad(largest.db, say);
  const figures = {
    rows_per_partition: perMonth,
    p95_ms: p95,
    ratio_120_to_1: Math.round((1_000 * (p95[120] ?? 0)) / (p95[1] ?? 1)) / 1_000,
    ...stall,
  };
  process.stdout.write(`${json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2)}\n`);
}

async function createTable(servers: Servers, count: number, perMonth: number, parts: AsyncDisposableStack) {
  const name = `partitions_${count}`;
  {
    const url = new URL(servers.databaseUrl);
    const template = url.pathname.slice(1);
    url.pathname = "/postgres";
    await using admin = await connectBench(String(url));
    await admin.run(command(`CREATE DATABASE ${name} TEMPLATE "${template}"`), []);
  }
  const url = new URL(servers.databaseUrl);
  url.pathname = `/${name}`;
  const db = parts.use(await connectBench(String(url)));
  const current = monthAt(new Date());
  for (let back = count - 1; back >= 0; back -= 1) {
    const month = addMonths(current, -back);
    await createMonthlyPartition(db, table, month);
    // Of the current month only what is over yet.
    const from = new Date(`${month}-01T00:00:00Z`);
    const to = back === 0 ? new Date() : new Date(`${addMonths(month, 1)}-01T00:00:00Z`);
    await db.run(fillMonth, [perMonth, from.toISOString(), (to.getTime() - from.getTime()) / 1_000]);
  }
  await db.run(command("VACUUM ANALYZE telemetry_events"), []);
  return { db, databaseUrl: String(url) };
}

/** The 95th percentile in ms of reading the newest events of the last day. */
async function readRecent(url: string, key: string, requests: number): Promise<number> {
  const from = encodeURIComponent(new Date(Date.now() - 86_400_000).toISOString());
  const bytes = getBytes(`${url}/v1/events?from=${from}&limit=50`, key);
  let sent = 0;
  const next = (): Buffer | undefined => {
    sent += 1;
    return sent > requests ? undefined : bytes;
  };
  const { statuses, latency } = await httpLoad({ url, connections: 1, next });
  if (statuses[200] !== requests) throw new Error(`Reads were answered ${JSON.stringify(statuses)}`);
  return latency.getValueAtPercentile(95) / 1_000;
}

/** The longest that a batch of rows took to be stored, without upkeep and with it. */
async function upkeepUnderLoad(db: Postgres, say: (text: string) => void) {
  const month = `${monthAt(new Date())}-01T00:00:00Z`;
  const loads = { alone: [] as number[], upkeep: [] as number[] };
  let phase: keyof typeof loads = "alone";
  let isOver = false;
  const storing = (async () => {
    while (!isOver) {
      const startedAt = performance.now();
      await db.run(fillMonth, [200, month, 86_400]);
      loads[phase].push(performance.now() - startedAt);
    }
  })();
  await sleep(10_000);
  phase = "upkeep";
  const retention = { maxAgeDays: 365, maxBytes: undefined, graceDays: 0, exportDir: undefined };
  const options = { table, exportDir: undefined, waitForReadersMs: 1_000 };
  const reading = db.transaction(async (reader) => {
    await reader.rows(statement<[], unknown>("bench.read_all", "SELECT count(*) FROM telemetry_events"), []);
    const [first] = planRetention(await listPartitions(db, table), retention, new Date());
    // The reader keeps it from being finished, and nobody else may wait for that.
    if (first !== undefined) await retirePartition(db, first, options).catch(() => {});
    await createMonthlyPartition(db, table, addMonths(monthAt(new Date()), 1));
    await sleep(3_000);
  });
  await reading;
  const detached = await retireAll(db, options, retention);
  for (const { name } of partitionsToSettle(await listPartitions(db, table), new Date())) {
    await settlePartition(db, table, name);
  }
  isOver = true;
  await storing;
  say(`detached ${detached} months while rows were stored`);
  return {
    batch_max_ms_alone: round(Math.max(...loads.alone)),
    batch_max_ms_with_upkeep: round(Math.max(...loads.upkeep)),
    batch_p50_ms: round(middle(loads.alone)),
    months_detached: detached,
  };
}

async function retireAll(
  db: Postgres,
  options: Parameters<typeof retirePartition>[2],
  retention: Parameters<typeof planRetention>[1],
): Promise<number> {
  const due = async (reader: Db) => planRetention(await listPartitions(reader, table), retention, new Date());
  let detached = 0;
  for (let steps = await due(db); steps.length > 0; steps = await due(db)) {
    for (const step of steps) {
      await retirePartition(db, step, options);
      if (step.action !== "drop") detached += 1;
    }
  }
  return detached;
}

function middle(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
