import type { Cache } from "@millrace/cache";

/** How often this process read through the cache, and how often that had the value; counted since it began. */
export function cacheFigures(cache: Pick<Cache, "report">): {
  readonly cache_reads: number;
  readonly cache_hits: number;
} {
  let reads = 0;
  let hits = 0;
  for (const { memoryHits, redisHits, waited, misses, bypasses } of cache.report()) {
    hits += memoryHits + redisHits + waited;
    reads += memoryHits + redisHits + waited + misses + bypasses;
  }
  return { cache_reads: reads, cache_hits: hits };
}
