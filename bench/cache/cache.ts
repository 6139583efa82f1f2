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
/** Many short ones in turns: the machine is not equally fast all the time, and each is compared with its neighbour. */
const turns = 16;
const warmUps = 3;

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
  const addressOf = (n: number): string => `0x${n.toString(16).padStart(40, "0")}`;
  const hot = Array.from({ length: 100 }, (_, n) => `/v1/users/${addressOf(1 + n)}`);

  await using memory = await startChild("apps/api/src/main.ts", { env });
  await using redisOnly = await startChild("apps/api/src/main.ts", { env: { ...env, CACHE_MEMORY_BYTES: "0" } });
  const sample = await fetch(`${memory.url}${hot[0]}`, { headers: { authorization: `Bearer ${key}` } });
  await using baseline = await startChild("bench/baselines/cached-bytes.ts", {
    args: [cacheRedisUrl, await sample.text()],
  });

  const [memoryHits, redisHits] = [memory, redisOnly].map(({ url }) => hot.map((path) => getBytes(url + path, key)));
  const contestant = (name: string, url: string, requests: readonly Buffer[] = [getBytes(`${url}/${name}`, key)]) => ({
    name,
    url,
    requests,
    figures: [] as Figure[],
  });
  const bare = contestant("bare", baseline.url);
  const bareText = contestant("bare-text", baseline.url);
  const memoryHit = contestant("memory hit", memory.url, memoryHits);
  const oneGet = contestant("redis", baseline.url);
  const redisHit = contestant("Redis hit", redisOnly.url, redisHits);
  for (let turn = -warmUps; turn < turns; turn += 1) {
    for (const one of [bare, memoryHit, bareText, oneGet, redisHit]) {
      const figure = await measure(one, Math.ceil(requests / turns));
      if (turn >= 0) one.figures.push(figure);
    }
  }
  const missed = Math.min(30_000, requests);
  const misses = Array.from({ length: missed }, (_, n) => `${memory.url}/v1/users/${addressOf(1_000 + n)}`);
  const miss = await measure(
    contestant(
      "miss",
      memory.url,
      misses.map((url) => getBytes(url, key)),
    ),
    missed,
  );
  const library = await measureLibraries(cacheRedisUrl);
  const figures = {
    ...speedOf("bare", bare.figures),
    ...speedOf("bare_text", bareText.figures),
    ...speedOf("memory_hit", memoryHit.figures),
    memory_hit_to_bare: ratioOf(memoryHit.figures, bare.figures),
    memory_hit_to_bare_text: ratioOf(memoryHit.figures, bareText.figures),
    ...speedOf("redis", oneGet.figures),
    ...speedOf("redis_hit", redisHit.figures),
    redis_hit_to_redis: ratioOf(redisHit.figures, oneGet.figures),
    miss_rps: round(miss.rps),
    miss_p99_ms: miss.p99Ms,
    ...library,
  };
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(28)} ${String(value)}`);
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${lines.join("\n")}\n`);
}

interface Contestant {
  readonly name: string;
  readonly url: string;
  readonly requests: readonly Buffer[];
}

async function measure({ name, url, requests }: Contestant, count: number): Promise<Figure> {
  let n = 0;
  const next = (): Buffer | undefined => {
    n += 1;
    return n > count ? undefined : requests[n % requests.length];
  };
  const { seconds, statuses, latency } = await httpLoad({ url, connections, next });
  if (statuses[200] !== count) throw new Error(`${name} answered ${JSON.stringify(statuses)}`);
  const figure = { rps: count / seconds, p99Ms: latency.getValueAtPercentile(99) / 1_000 };
  process.stderr.write(`${name}: ${Math.round(figure.rps)}/s, p99 ${figure.p99Ms} ms\n`);
  return figure;
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

function speedOf(name: string, figures: readonly Figure[]): Record<string, number> {
  return {
    [`${name}_rps`]: round(middle(figures.map(({ rps }) => rps))),
    [`${name}_p99_ms`]: middle(figures.map(({ p99Ms }) => p99Ms)),
  };
}

/** The middle one of the ratios of each turn. */
function ratioOf(ones: readonly Figure[], others: readonly Figure[]): number {
  const ratios = ones.map(({ rps }, turn) => rps / (others[turn]?.rps ?? Number.NaN));
  return Math.round(1_000 * middle(ratios)) / 1_000;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value);
}
