import type { Cache, RedisStore } from "@millrace/cache";
import { within } from "@millrace/runtime";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { Counter, Gauge, type Registry } from "prom-client";
import { z } from "zod";
import { jsonBodyOf, unchecked } from "../http/json-body.ts";
import { HttpProblem, unavailable } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";

const count = z.int().min(0);
const figures = z.object({
  name: z.string(),
  hit_rate: z.number().nullable().describe("The share of reads that asked no database; null before the first"),
  memory_hits: count,
  redis_hits: count,
  stale_hits: count.describe("Redis hits past their TTL, which were loaded again behind the reader's back"),
  misses: count,
  waited: count.describe("Served what another process was just loading"),
  bypasses: count.describe("Read from the database because Redis did not help"),
  refreshes: count,
  refused_fills: count.describe("Values that a write changed while they were loaded, and that were not kept"),
  invalidations: count,
  load_errors: count,
  load_ms_mean: z.number().nullable(),
  redis_hit_ms_mean: z.number().nullable(),
  ttl_ms: z.number(),
  memory_bytes: count,
  memory_entries: count,
  forms: z.array(z.string()).describe("What keys look like"),
  ttl_decisions: z.array(z.object({ at: z.string(), from_ms: z.number(), to_ms: z.number(), why: z.string() })),
});
const stats = z.object({
  serves_from_memory: z.boolean().describe("False while this process is not sure to hear of every write"),
  redis: z.object({ available: z.boolean(), used_bytes: z.number().nullable() }),
  namespaces: z.array(figures).describe("Of this process, since it began"),
});
const clearBody = z.union([
  z.strictObject({ namespace: z.string(), key: z.string().min(1).describe("One key") }),
  z.strictObject({ namespace: z.string(), pattern: z.string().min(1).describe("A form, with `*` for any part") }),
  z.strictObject({ namespace: z.string().describe("All of it") }),
]);

export interface CacheRoutesNeeds {
  readonly cache: Cache;
  readonly redis: { readonly isAway: boolean; inspect: RedisStore["inspect"] };
  readonly metrics: Registry;
}

/** What the cache does, for operators, and taking values out of it by hand. */
export function registerCache(app: FastifyInstance, { cache, redis, metrics }: CacheRoutesNeeds): void {
  observeCache(metrics, cache);
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    "/database/cache-stats",
    {
      config: { scope: "read" },
      schema: { tags: ["database"], summary: "How well the cache does", response: { 200: stats } },
    },
    async () => ({
      serves_from_memory: cache.isFresh,
      redis: {
        available: !redis.isAway,
        used_bytes: await usedBytesOf(redis),
      },
      namespaces: cache.report().map((report) => ({
        name: report.name,
        hit_rate: report.hitRate ?? null,
        memory_hits: report.memoryHits,
        redis_hits: report.redisHits,
        stale_hits: report.staleHits,
        misses: report.misses,
        waited: report.waited,
        bypasses: report.bypasses,
        refreshes: report.refreshes,
        refused_fills: report.refusedFills,
        invalidations: report.invalidations,
        load_errors: report.loadErrors,
        load_ms_mean: report.loads === 0 ? null : report.loadMs / report.loads,
        redis_hit_ms_mean: report.redisHits === 0 ? null : report.redisHitMs / report.redisHits,
        ttl_ms: report.ttlMs,
        memory_bytes: report.memoryBytes,
        memory_entries: report.memoryEntries,
        forms: [...cache.formsOf(report.name)],
        ttl_decisions: report.decisions.map(({ at, fromMs, toMs, why }) => ({
          at: new Date(at).toISOString(),
          from_ms: fromMs,
          to_ms: toMs,
          why,
        })),
      })),
    }),
  );

  routes.post(
    "/database/cache/clear",
    {
      config: { scope: "admin" },
      ...unchecked,
      schema: {
        tags: ["database"],
        summary: "Take values out of the cache, in every process",
        description: "By namespace, by key, or by a pattern of one of the namespace's forms (see cache-stats).",
        body: clearBody,
        response: {
          200: z.object({ cleared: count.describe("Values that were in Redis") }),
          400: problemReply("The namespace is not known, or the pattern is of none of its forms"),
          503: problemReply("The cache's Redis does not answer"),
        },
      },
    },
    async (request) => {
      const body = jsonBodyOf(request.body, clearBody);
      const pattern = "pattern" in body ? body.pattern : "key" in body ? body.key : "*";
      if ("key" in body && body.key.includes("*")) {
        throw notCleared("A key has no *; give a pattern to clear more than one");
      }
      const cleared = await cache.clear(body.namespace, pattern).catch((error: unknown) => {
        throw unavailable("cache_unavailable", "The cache's Redis does not answer; try again", error);
      });
      if (cleared !== undefined) return { cleared };
      const names = cache.names();
      throw names.includes(body.namespace)
        ? notCleared(`${pattern} is of none of the forms ${cache.formsOf(body.namespace).join(", ")}`)
        : notCleared(`There is no namespace ${body.namespace}; there are ${names.join(", ")}`);
    },
  );
}

/** Null where the server does not tell at once; one that is known to be away is not asked. */
async function usedBytesOf({ isAway, inspect }: CacheRoutesNeeds["redis"]): Promise<number | null> {
  if (isAway) return null;
  return await within(250, inspect()).then(
    ({ usedBytes }) => usedBytes,
    () => null,
  );
}

function notCleared(detail: string): HttpProblem {
  return new HttpProblem({ status: 400, code: "invalid_request", detail });
}

function observeCache(registry: Registry, cache: Cache): void {
  const registers = [registry];
  new Counter({
    name: "millrace_cache_reads_total",
    help: "Reads through the cache by namespace and by where the value came from",
    labelNames: ["namespace", "from"],
    registers,
    collect() {
      this.reset();
      for (const { name, memoryHits, redisHits, waited, misses, bypasses } of cache.report()) {
        this.inc({ namespace: name, from: "memory" }, memoryHits);
        this.inc({ namespace: name, from: "redis" }, redisHits);
        this.inc({ namespace: name, from: "other_process" }, waited);
        this.inc({ namespace: name, from: "database" }, misses);
        this.inc({ namespace: name, from: "bypass" }, bypasses);
      }
    },
  });
  new Counter({
    name: "millrace_cache_refused_fills_total",
    help: "Values that a write changed while they were loaded, and that were not kept",
    labelNames: ["namespace"],
    registers,
    collect() {
      this.reset();
      for (const { name, refusedFills } of cache.report()) this.inc({ namespace: name }, refusedFills);
    },
  });
  new Gauge({
    name: "millrace_cache_memory_bytes",
    help: "What this process keeps of a namespace",
    labelNames: ["namespace"],
    registers,
    collect() {
      for (const { name, memoryBytes } of cache.report()) this.set({ namespace: name }, memoryBytes);
    },
  });
  new Gauge({
    name: "millrace_cache_serves_from_memory",
    help: "1 while this process hears of every write and may serve from its memory",
    registers,
    collect() {
      this.set(cache.isFresh ? 1 : 0);
    },
  });
}
