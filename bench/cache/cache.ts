import process from "node:process";
import { createKey } from "@millrace/access";
import { statement } from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { createCache as createCacheManager } from "cache-manager";
import { Redis } from "ioredis";
import { appEnvironment, connectBench } from "../bench-servers.ts";
import { startChild } from "../child.ts";
import { getBytes, httpLoad } from "../load/http-load.ts";
import { openContender } from "./contenders.ts";

const users = 200_000;
const connections = 32;

const fillUsers = statement<[count: number], never>(
  "bench.fill_users",
  `INSERT INTO users (address, display_name, profile)
   SELECT '0x' || lpad(to_hex(n), 40, '0'), 'User ' || n, '{"bio": "calls people now and then", "languages": ["en", "de"]}'
     FROM generate_series(1, $1::int) AS n`,
);

interface Figure {
  readonly rps: number;
  readonly p99Ms: number;
}

/** Cached reads over HTTP beside what they cannot be faster than, and the library beside others. Rates of one run. */
export async function runCache({ json, requests, servers }: { json: boolean; requests: number; servers: Servers }) {
  const { databaseUrl, cacheRedisUrl } = servers;
  await using db = await connectBench(databaseUrl);
  await db.run(fillUsers, [users]);
  const { key } = await createKey(db, { name: "bench", scopes: ["read"] });
  const env = appEnvironment(servers);
  const measure = async (
    name: string,
    url: string,
    pathOf: (n: number) => string,
    count = requests,
  ): Promise<Figure> => {
    let n = 0;
    const next = (): Buffer | undefined => {
      n += 1;
      return n > count ? undefined : getBytes(url + pathOf(n), key);
    };
    const { seconds, statuses, latency } = await httpLoad({ url, connections, next });
    if (statuses[200] !== count) throw new Error(`${name} answered ${JSON.stringify(statuses)}`);
    const figure = { rps: count / seconds, p99Ms: latency.getValueAtPercentile(99) / 1_000 };
    process.stderr.write(`${name}: ${Math.round(figure.rps)}/s, p99 ${figure.p99Ms} ms\n`);
    return figure;
  };
  const addressOf = (n: number): string => `0x${n.toString(16).padStart(40, "0")}`;
  const hot = (n: number): string => `/v1/users/${addressOf(1 + (n % 100))}`;

  await using memory = await startChild("apps/api/src/main.ts", { env });
  await using redisOnly = await startChild("apps/api/src/main.ts", { env: { ...env, CACHE_MEMORY_BYTES: "0" } });
  const sample = await fetch(`${memory.url}${hot(1)}`, { headers: { authorization: `Bearer ${key}` } });
  await using baseline = await startChild("bench/baselines/cached-bytes.ts", {
    args: [cacheRedisUrl, await sample.text()],
  });

  const rounds = { bare: [] as Figure[], memory: [] as Figure[], redisBare: [] as Figure[], redis: [] as Figure[] };
  const warm = Math.min(20_000, requests);
  await measure("warming up", baseline.url, () => "/bare", warm);
  await measure("warming up", baseline.url, () => "/redis", warm);
  await measure("warming up", memory.url, hot, warm);
  await measure("warming up", redisOnly.url, hot, warm);
  // In turns, since the machine is not equally fast all the time.
  for (let round = 0; round < 3; round += 1) {
    rounds.bare.push(await measure("bare", baseline.url, () => "/bare"));
    rounds.memory.push(await measure("memory hit", memory.url, hot));
    rounds.redisBare.push(await measure("one GET", baseline.url, () => "/redis"));
    rounds.redis.push(await measure("Redis hit", redisOnly.url, hot));
  }
  const miss = await measure(
    "miss",
    memory.url,
    (n) => `/v1/users/${addressOf(1_000 + n)}`,
    Math.min(30_000, requests),
  );
  const [bare, memoryHit, oneGet, redisHit] = [rounds.bare, rounds.memory, rounds.redisBare, rounds.redis].map(middle);
  const library = await measureLibraries(cacheRedisUrl);
  const figures = {
    bare_rps: round(bare?.rps),
    memory_hit_rps: round(memoryHit?.rps),
    memory_hit_p99_ms: memoryHit?.p99Ms,
    memory_hit_to_bare: ratio(memoryHit, bare),
    redis_rps: round(oneGet?.rps),
    redis_hit_rps: round(redisHit?.rps),
    redis_hit_p99_ms: redisHit?.p99Ms,
    redis_hit_to_redis: ratio(redisHit, oneGet),
    miss_rps: round(miss.rps),
    miss_p99_ms: miss.p99Ms,
    ...library,
  };
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(28)} ${String(value)}`);
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${lines.join("\n")}\n`);
}

/** Operations a second in one process, one after the other for what is in memory, 64 at once for Redis. */
async function measureLibraries(url: string): Promise<Record<string, number>> {
  const redis = new Redis(url);
  await using ours = await openContender("millrace", { url, prefix: "bench-library" });
  await using bento = await openContender("bentocache", { url, prefix: "bench-library-bento" });
  await using oursRedis = await openContender("millrace", { url, prefix: "bench-redis", hasMemory: false });
  await using bentoRedis = await openContender("bentocache", { url, prefix: "bench-redis-bento", hasMemory: false });
  const manager = createCacheManager({ ttl: 600_000 });
  const load = async () => ({ version: 1, text: "x".repeat(200) });
  const keyOf = (n: number): string => `key-${n % 100}`;
  // Until its lease is fresh our cache asks Redis.
  while (ours.get("fresh", load) instanceof Promise) await new Promise((resolve) => setTimeout(resolve, 5));
  const contestants = {
    millrace_memory_get_ops: { get: (n: number) => ours.get(keyOf(n), load), parallel: 1 },
    bentocache_memory_get_ops: { get: (n: number) => bento.get(keyOf(n), load), parallel: 1 },
    cache_manager_memory_get_ops: { get: (n: number) => manager.wrap(keyOf(n), load), parallel: 1 },
    millrace_redis_get_ops: { get: (n: number) => oursRedis.get(keyOf(n), load), parallel: 64 },
    bentocache_redis_get_ops: { get: (n: number) => bentoRedis.get(keyOf(n), load), parallel: 64 },
  };
  const results: Record<string, number> = {};
  for (const [name, { get, parallel }] of Object.entries(contestants)) {
    for (let n = 0; n < 200; n += 1) await get(n);
    results[name] = round(await opsOf(get, parallel));
    process.stderr.write(`${name}: ${results[name]}/s\n`);
  }
  redis.disconnect();
  return results;
}

async function opsOf(get: (n: number) => unknown, parallel: number): Promise<number> {
  const startedAt = performance.now();
  let ops = 0;
  const run = async (): Promise<void> => {
    while (performance.now() - startedAt < 2_000) {
      for (let count = 0; count < 100; count += 1) await get(count);
      ops += 100;
    }
  };
  await Promise.all(Array.from({ length: parallel }, run));
  return ops / ((performance.now() - startedAt) / 1_000);
}

function middle(figures: readonly Figure[]): Figure | undefined {
  return figures.toSorted((a, b) => a.rps - b.rps)[Math.floor(figures.length / 2)];
}

function ratio(one: Figure | undefined, other: Figure | undefined): number {
  return Math.round((1_000 * (one?.rps ?? 0)) / (other?.rps ?? 1)) / 1_000;
}

function round(value: number | undefined): number {
  return Math.round(value ?? 0);
}
