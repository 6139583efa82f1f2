import process from "node:process";
import { createKey } from "@millrace/access";
import { statement } from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { build, type Histogram } from "hdr-histogram-js";
import { z } from "zod";
import { appEnvironment, connectBench } from "../bench-servers.ts";
import { startChild } from "../child.ts";
import { getBytes, httpLoad, postBytes } from "../load/http-load.ts";
import { numberedEvents } from "../load/numbered-events.ts";
import { callLoad } from "./call-load.ts";
import { allReads, createMix, users } from "./mix.ts";

const fill = [
  statement<[count: number], never>(
    "bench.fill_users",
    `INSERT INTO users (address, display_name, profile)
     SELECT '0x' || lpad(to_hex(n), 40, '0'), 'User ' || n, '{"bio": "calls people now and then"}'
       FROM generate_series(1, $1::int) AS n`,
  ),
  statement<[count: number], never>(
    "bench.fill_balances",
    `INSERT INTO balances (address, asset, amount, updated_at)
     SELECT '0x' || lpad(to_hex(n), 40, '0'), 'wei', n, now() - interval '1 day' FROM generate_series(1, $1::int) AS n`,
  ),
  statement<[count: number], never>(
    "bench.fill_sessions",
    `INSERT INTO sessions (id, a_addr, b_addr, state, created_at, started_at, ended_at, expires_at, end_reason)
     SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
            '0x' || lpad(to_hex(1 + n % $1::int), 40, '0'), '0x' || lpad(to_hex(1 + (n * 7 + 1) % $1::int), 40, '0'), 'ended',
            now() - n * interval '1 minute', now() - n * interval '1 minute', now(), now() + interval '1 day', 'hung_up'
       FROM generate_series(1, $1::int * 5) AS n
      WHERE n % $1::int <> (n * 7 + 1) % $1::int`,
  ),
];

const statsReply = z.object({
  redis: z.object({ used_bytes: z.number() }),
  namespaces: z.array(
    z.object({
      name: z.string(),
      memory_hits: z.number(),
      redis_hits: z.number(),
      waited: z.number(),
      misses: z.number(),
      bypasses: z.number(),
      load_ms_mean: z.number().nullable(),
    }),
  ),
});

const ingestPerSecond = 20;
const eventsOfRequest = 100;

/** The report's load on the domain, by the clock, with ingest beside it: at 250 calls a second and at ten times that. */
export async function runWorkload({ json, seconds, servers }: { json: boolean; seconds: number; servers: Servers }) {
  const { databaseUrl } = servers;
  await using db = await connectBench(databaseUrl);
  for (const part of fill) await db.rows(part, [users]);
  const { key } = await createKey(db, { name: "bench", scopes: ["read", "write", "ingest"] });
  const env = appEnvironment(servers);
  await using _worker = await startChild("apps/worker/src/main.ts", { env });
  await using api = await startChild("apps/api/src/main.ts", { env });
  const headers = { authorization: `Bearer ${key}` };
  const stats = async () =>
    statsReply.parse(await (await fetch(`${api.url}/database/cache-stats`, { headers })).json());
  const poolFigures = async () => poolIn(await (await fetch(`${api.url}/metrics`, { headers })).text());
  const next = createMix(Math.random);
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);

  const measure = async (perSecond: number) => {
    tell(`${perSecond} calls a second for ${seconds} s …`);
    const [before, poolBefore] = [readsIn(await stats()), await poolFigures()];
    const ingest = sendEvents(api.url, key, seconds);
    const { latency, lateness, statuses } = await callLoad({ url: api.url, key, next, perSecond, seconds });
    const [after, poolAfter] = [await stats(), await poolFigures()];
    await ingest;
    const reads = readsIn(after);
    const all = build({ highestTrackableValue: 60_000_000 });
    for (const histogram of latency.values()) all.add(histogram);
    return {
      hit_rate: round((reads.hits - before.hits) / (reads.all - before.all), 4),
      ...percentiles(all),
      sent_late_p99_ms: percentiles(lateness).p99_ms,
      by_kind: Object.fromEntries([...latency].map(([kind, histogram]) => [kind, percentiles(histogram)])),
      statuses: Object.fromEntries(Object.entries(statuses).toSorted()),
      miss_penalty_ms: Object.fromEntries(
        after.namespaces.flatMap(({ name, load_ms_mean }) =>
          load_ms_mean === null ? [] : [[name, round(load_ms_mean, 2)]],
        ),
      ),
      pool_wait_mean_ms: round(meanOf(poolBefore.wait, poolAfter.wait) * 1_000, 3),
      pool_utilisation_mean: round(meanOf(poolBefore.utilisation, poolAfter.utilisation), 3),
    };
  };

  tell("reading everything once, as a fleet has done that has been up for a while …");
  const reads = allReads();
  await httpLoad({
    url: api.url,
    connections: 32,
    next: () => {
      const { value } = reads.next();
      return value === undefined ? undefined : getBytes(api.url + value, key);
    },
  });
  const at_250 = await measure(250);
  const at_2500 = await measure(2_500);
  const figures = {
    at_250,
    at_2500,
    redis_bytes: (await stats()).redis.used_bytes,
    pool_wait_mean_ms: at_2500.pool_wait_mean_ms,
    ingest_events_per_s: ingestPerSecond * eventsOfRequest,
  };
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${JSON.stringify(figures, undefined, 2)}\n`);
}

/** Telemetry that goes on beside the calls. */
async function sendEvents(url: string, key: string, seconds: number): Promise<void> {
  const events = numberedEvents("workload", eventsOfRequest);
  const startedAt = performance.now();
  let sent = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = ((performance.now() - startedAt) / 1_000) * ingestPerSecond;
    let left = Math.floor(due) - sent;
    sent += left;
    if (left > 0) {
      const post = (): Buffer | undefined => {
        left -= 1;
        return left < 0 ? undefined : postBytes(`${url}/v1/events`, key, events.next().body);
      };
      await httpLoad({ url, connections: 1, next: post });
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000 / ingestPerSecond));
  }
}

function readsIn({ namespaces }: z.output<typeof statsReply>): { hits: number; all: number } {
  let hits = 0;
  let others = 0;
  for (const { memory_hits, redis_hits, waited, misses, bypasses } of namespaces) {
    hits += memory_hits + redis_hits + waited;
    others += misses + bypasses;
  }
  return { hits, all: hits + others };
}

interface Sum {
  readonly sum: number;
  readonly count: number;
}

function poolIn(metrics: string): { wait: Sum; utilisation: Sum } {
  const readingOf = (name: string): number =>
    Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, "m").exec(metrics)?.[1] ?? 0);
  const sumOf = (name: string): Sum => ({ sum: readingOf(`${name}_sum`), count: readingOf(`${name}_count`) });
  return { wait: sumOf("millrace_pool_wait_seconds"), utilisation: sumOf("millrace_pool_utilisation_ratio") };
}

function meanOf(before: Sum, after: Sum): number {
  return (after.sum - before.sum) / Math.max(1, after.count - before.count);
}

function percentiles(histogram: Histogram): { p50_ms: number; p95_ms: number; p99_ms: number } {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1_000;
  return { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
