import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createKey } from "@millrace/access";
import { type Postgres, statement } from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { Redis } from "ioredis";
import { connectBench } from "./bench-servers.ts";
import { startChild } from "./child.ts";
import { numberedEvents } from "./load/numbered-events.ts";
import { type OpenLoadResult, openLoad } from "./load/open-load.ts";
import { latencyPercentiles } from "./load/worker-metrics.ts";

export interface OverloadOptions {
  readonly json: boolean;
  readonly seconds: number;
  /** How long events may wait for a worker before more are refused. */
  readonly maxWaitMs: number;
  readonly servers: Servers;
}

const perRequest = 100;
const opsPort = 19_465;
const crowd = { connections: 200 };
/** Of the queue's Redis, so that a minute is enough to show that it holds. */
const maxQueueBytes = 64 * 1_024 ** 2;

/**
 * Offers three times what the workers can take, by the clock and without mercy, and then a third of it.
 * The worker is held to one small transaction at a time, so that the machine has room for the crowd.
 */
export async function runOverload({ json, seconds, maxWaitMs, servers }: OverloadOptions): Promise<void> {
  const { databaseUrl, queueRedisUrl } = servers;
  await using db = await connectBench(databaseUrl);
  const { key } = await createKey(db, { name: "bench", scopes: ["ingest", "read"] });
  const redis = new Redis(queueRedisUrl);
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);

  const capacity = await withFleet(servers, maxWaitMs, async ({ apiUrl }) => {
    const saturate = (run: string) =>
      openLoad({
        ...crowd,
        url: apiUrl,
        key,
        events: numberedEvents(run, perRequest),
        requestsPerSecond: 1_500,
        seconds: 6,
      });
    await saturate("first");
    const before = await committed(db, "");
    const startedAt = performance.now();
    await saturate("capacity");
    const rate = ((await committed(db, "")) - before) / ((performance.now() - startedAt) / 1_000);
    await drained(redis);
    return rate;
  });
  tell(`the workers take ${Math.round(capacity)} events a second`);
  const figures = await withFleet(servers, maxWaitMs, (fleet) => overload(fleet));
  redis.disconnect();
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(26)} ${JSON.stringify(value)}`);
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${lines.join("\n")}\n`);
  if (figures.lost > 0) process.exitCode = 1;

  async function overload({ apiUrl, apiPid, workerPid }: Fleet) {
    const load = (run: string, requestsPerSecond: number, forSeconds: number) =>
      openLoad({
        ...crowd,
        url: apiUrl,
        key,
        events: numberedEvents(run, perRequest),
        requestsPerSecond,
        seconds: forSeconds,
      });
    const offeredPerSecond = (3 * capacity) / perRequest;
    tell(`offering ${Math.round(offeredPerSecond * perRequest)} a second for ${seconds} s …`);
    await redis.config("RESETSTAT"); // and with it the peak of its memory
    const over = await load("over", offeredPerSecond, seconds);
    const endedAt = performance.now();
    const calm = await load("calm", capacity / 3 / perRequest, 15);
    await drained(redis);
    const latency = await latencyPercentiles(`http://127.0.0.1:${opsPort}/metrics`, key);
    const memory = await redis.info("memory");
    return {
      capacity_events_per_s: Math.round(capacity),
      offered: Math.round(offeredPerSecond * seconds) * perRequest,
      accepted: over.accepted.length * perRequest,
      statuses: over.statuses,
      unsent_requests: over.unsent,
      committed: await committed(db, "over"),
      lost: (await missing(db, "over", over)) + (await missing(db, "calm", calm)),
      accept_p99_ms: Math.round(over.acceptP99Ms * 10) / 10,
      accept_to_commit_p99_ms: latency.p99Ms,
      peak_rss_api_mb: await peakRssMb(apiPid),
      peak_rss_worker_mb: await peakRssMb(workerPid),
      peak_redis_mb: Math.round(Number(/used_memory_peak:(\d+)/.exec(memory)?.[1]) / 1_024 ** 2),
      redis_limit_mb: maxQueueBytes / 1_024 ** 2,
      recovery_s: calm.lastRefusedAt === 0 ? 0 : Math.round((calm.lastRefusedAt - endedAt) / 100) / 10,
    };
  }
}

interface Fleet {
  readonly apiUrl: string;
  readonly apiPid: number;
  readonly workerPid: number;
}

async function withFleet<T>(
  { databaseUrl, queueRedisUrl }: Servers,
  maxWaitMs: number,
  work: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const env = { DATABASE_URL: databaseUrl, QUEUE_REDIS_URL: queueRedisUrl, LOG_LEVEL: "error" };
  const small = { INGEST_CONCURRENCY: "8", INGEST_BATCH_PARALLEL: "1", INGEST_BATCH_ROWS: "1000" };
  await using worker = await startChild("apps/worker/src/main.ts", {
    env: { ...env, ...small, OPS_PORT: String(opsPort) },
  });
  await using api = await startChild("apps/api/src/main.ts", {
    env: {
      ...env,
      PORT: "0",
      INGEST_MAX_QUEUE_BYTES: String(maxQueueBytes),
      INGEST_MAX_QUEUE_WAIT_MS: String(maxWaitMs),
    },
  });
  return await work({ apiUrl: `${api.url}/v1/events`, apiPid: api.pid, workerPid: worker.pid });
}

const countRun = statement<[pattern: string], { rows: string }>(
  "bench.count_run",
  "SELECT count(*) AS rows FROM telemetry_events WHERE source LIKE $1",
);

async function committed(db: Postgres, run: string): Promise<number> {
  return Number((await db.rows(countRun, [`/${run}%`]))[0]?.rows ?? 0);
}

const countByRequest = statement<[pattern: string], { request: number; events: number }>(
  "bench.count_by_request",
  `SELECT split_part(id, '-', 2)::int AS request, count(DISTINCT id)::int AS events
     FROM telemetry_events WHERE source LIKE $1 GROUP BY 1`,
);

/** Events that were answered 202 and are not stored. */
async function missing(db: Postgres, run: string, { accepted }: OpenLoadResult): Promise<number> {
  const stored = new Map((await db.rows(countByRequest, [`/${run}/%`])).map((row) => [row.request, row.events]));
  return accepted.reduce((sum, request) => sum + perRequest - (stored.get(request) ?? 0), 0);
}

async function drained(redis: Redis): Promise<void> {
  for (;;) {
    const counts = await Promise.all([redis.llen("millrace:{ingest}:wait"), redis.llen("millrace:{ingest}:active")]);
    if (counts.every((count) => count === 0)) return;
    await sleep(50);
  }
}

/** The most memory that a process ever had (Linux). */
async function peakRssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024);
}
