import { setTimeout as sleep } from "node:timers/promises";
import { createKey } from "@millrace/access";
import { connectPostgres, createMonthlyPartition, monthAt, type Postgres, statement } from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { startChild } from "./child.ts";
import { type IndexSet, useIndexes } from "./index-sets.ts";
import { httpLoad, postBytes } from "./load/http-load.ts";
import { type SampleEvent, sampleEvents } from "./load/sample-events.ts";
import { latencyPercentiles, rowsCommitted } from "./load/worker-metrics.ts";

export interface IngestOptions {
  readonly json: boolean;
  readonly events: number;
  readonly indexes: IndexSet;
  readonly servers: Servers;
}

const connections = { single: 128, batch: 16 };
const opsPort = 19_464;

/** Measures ingest end to end, until the last row is committed, and its baselines in the same run. */
export async function runIngest({ json, events, indexes, servers }: IngestOptions): Promise<void> {
  const { databaseUrl, queueRedisUrl } = servers;
  await using db = await connectPostgres({
    url: databaseUrl,
    applicationName: "millrace-bench",
    minConnections: 0,
    queryTimeoutMs: 600_000,
    statementTimeoutMs: 600_000,
  });
  await createMonthlyPartition(db, "telemetry_events", monthAt(new Date()));
  await useIndexes(db, indexes);
  const singles = Math.ceil(events / 2);

  const http = await measured("HTTP alone", async () => {
    await using server = await startChild("bench/baselines/bare-http.ts");
    return await load(server.url, "none", sampleEvents("http", singles), 1);
  });
  const direct = await measured("an INSERT a request", async () => {
    await empty(db);
    await using server = await startChild("bench/baselines/direct-insert.ts", { args: [databaseUrl] });
    return await load(server.url, "none", sampleEvents("direct", Math.ceil(singles / 2)), 1);
  });
  const naive = await measured("a job an event", async () => await runNaive(db, servers, Math.ceil(events / 5)));
  const copy = await measured("COPY alone", async () => await runCopy(db, events));
  const ours = await runOurs(db, { databaseUrl, queueRedisUrl, singles, events });

  const figures = {
    single_rps: Math.round(ours.single),
    batch_events_per_s: Math.round(ours.batch),
    copy_rows_per_s: Math.round(copy),
    direct_insert_rps: Math.round(direct),
    naive_queue_events_per_s: Math.round(naive),
    bare_http_rps: Math.round(http),
    ratio_copy: rounded(ours.batch / copy),
    ratio_direct: rounded(ours.single / direct),
    ratio_naive: rounded(ours.batch / naive),
    ratio_http: rounded(ours.single / http),
    accept_to_commit_p50_ms: ours.latency.p50Ms,
    accept_to_commit_p99_ms: ours.latency.p99Ms,
    sent: ours.sent,
    committed: ours.committed,
    lost: ours.lost,
    duplicated: ours.duplicated,
  };
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(26)} ${value}`);
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${lines.join("\n")}\n`);
  if (figures.lost > 0 || figures.duplicated > 0) process.exitCode = 1;
}

async function runOurs(
  db: Postgres,
  options: { databaseUrl: string; queueRedisUrl: string; singles: number; events: number },
) {
  const { databaseUrl, queueRedisUrl, singles, events } = options;
  await empty(db);
  const { key } = await createKey(db, { name: "bench", scopes: ["ingest", "read"] });
  const env = { DATABASE_URL: databaseUrl, QUEUE_REDIS_URL: queueRedisUrl, LOG_LEVEL: "warn" };
  await using _worker = await startChild("apps/worker/src/main.ts", { env: { ...env, OPS_PORT: String(opsPort) } });
  await using api = await startChild("apps/api/src/main.ts", { env: { ...env, PORT: "0" } });
  const metricsUrl = `http://127.0.0.1:${opsPort}/metrics`;
  const loadUntilCommitted = async (sent: readonly SampleEvent[], perRequest: number): Promise<number> => {
    const before = await rowsCommitted(metricsUrl, key);
    const startedAt = performance.now();
    await load(api.url, key, sent, perRequest);
    while ((await rowsCommitted(metricsUrl, key)) - before < sent.length) await sleep(20);
    return (sent.length / (performance.now() - startedAt)) * 1_000;
  };

  await loadUntilCommitted(sampleEvents("warm-up", 20_000), 1);
  const single = await measured("one event a request", () => loadUntilCommitted(sampleEvents("single", singles), 1));
  const latency = await latencyPercentiles(metricsUrl, key);
  await empty(db);
  const batch = await measured("100 events a request", () => loadUntilCommitted(sampleEvents("batch", events), 100));
  const [counts] = await db.rows(countBatch, []);
  const committed = Number(counts?.ids ?? 0);
  return {
    single,
    batch,
    latency,
    sent: events,
    committed,
    lost: events - committed,
    duplicated: Number(counts?.rows ?? 0) - committed,
  };
}

const countBatch = statement<[], { rows: string; ids: string }>(
  "bench.count_batch",
  "SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM telemetry_events WHERE source LIKE '/batch/%'",
);

/** Requests (of one event each) or events a second until the last answer. */
async function load(origin: string, key: string, events: readonly SampleEvent[], perRequest: number): Promise<number> {
  const url = `${origin}/v1/events`;
  const requests: Buffer[] = [];
  for (let at = 0; at < events.length; at += perRequest) {
    const body = perRequest === 1 ? events[at] : events.slice(at, at + perRequest);
    requests.push(postBytes(url, key, JSON.stringify(body)));
  }
  let next = 0;
  const { seconds, statuses } = await httpLoad({
    url,
    connections: perRequest === 1 ? connections.single : connections.batch,
    next: () => requests[next++],
  });
  if (Object.keys(statuses).join() !== "202")
    throw new Error(`Not all requests were accepted: ${JSON.stringify(statuses)}`);
  return events.length / seconds;
}

async function runNaive(db: Postgres, { databaseUrl, queueRedisUrl }: Servers, events: number): Promise<number> {
  await empty(db);
  const args = [databaseUrl, queueRedisUrl];
  await using _worker = await startChild("bench/baselines/naive-queue-worker.ts", { args });
  await using api = await startChild("bench/baselines/naive-queue-api.ts", { args });
  const startedAt = performance.now();
  await load(api.url, "none", sampleEvents("naive", events), 100);
  while (Number((await db.rows(countRows, []))[0]?.rows) < events) await sleep(50);
  return (events / (performance.now() - startedAt)) * 1_000;
}

const countRows = statement<[], { rows: string }>("bench.count_rows", "SELECT count(*) AS rows FROM telemetry_events");
const copyRows = statement<[], never>(
  "bench.copy_rows",
  "COPY telemetry_events (id, source, type, subject, time, data, received_at) FROM STDIN",
);

/** The same rows, made beforehand, in batches of 5,000 on one connection into the same table. */
async function runCopy(db: Postgres, count: number): Promise<number> {
  await empty(db);
  const lines = sampleEvents("copy", count).map(
    ({ id, source, type, subject, time, data }) =>
      `${id}\t${source}\t${type}\t${subject ?? "\\N"}\t${time}\t${JSON.stringify(data)}\t${time}\n`,
  );
  const batches: Buffer[] = [];
  for (let at = 0; at < lines.length; at += 5_000) batches.push(Buffer.from(lines.slice(at, at + 5_000).join("")));
  return await db.withConnection(async (connection) => {
    const startedAt = performance.now();
    for (const batch of batches) await connection.copyIn(copyRows, [batch]);
    return (count / (performance.now() - startedAt)) * 1_000;
  });
}

/** Every load starts on an empty table and after a checkpoint. */
async function empty(db: Postgres): Promise<void> {
  await db.run(statement<[], never>("bench.empty_events", "TRUNCATE telemetry_events"), []);
  await db.run(statement<[], never>("bench.write_checkpoint", "CHECKPOINT"), []);
}

async function measured(what: string, work: () => Promise<number>): Promise<number> {
  const rate = await work();
  process.stderr.write(`${what.padEnd(22)} ${Math.round(rate)} a second\n`);
  return rate;
}

function rounded(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}
