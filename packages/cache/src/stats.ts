/** What happened in a namespace of this process since it began. */
export interface CacheStats {
  /** Served from the process's own memory. */
  memoryHits: number;
  /** Served from Redis. */
  redisHits: number;
  /** Of these, how many were due to be loaded again. */
  staleHits: number;
  /** Loaded from the source with a lease. */
  misses: number;
  /** Served what another process was just loading. */
  waited: number;
  /** Loaded from the source without a lease, because Redis was away or somebody else took too long. */
  bypasses: number;
  refreshes: number;
  fills: number;
  /** Values that were loaded while a write changed them, and therefore not kept. */
  refusedFills: number;
  invalidations: number;
  loadErrors: number;
  /** Refreshes and fills that could not be done. */
  failures: number;
  loads: number;
  loadMs: number;
  redisHitMs: number;
  redisHit(ms: number): void;
  loaded(ms: number): void;
}

export function createStats(): CacheStats {
  return {
    memoryHits: 0,
    redisHits: 0,
    staleHits: 0,
    misses: 0,
    waited: 0,
    bypasses: 0,
    refreshes: 0,
    fills: 0,
    refusedFills: 0,
    invalidations: 0,
    loadErrors: 0,
    failures: 0,
    loads: 0,
    loadMs: 0,
    redisHitMs: 0,
    redisHit(ms) {
      this.redisHits += 1;
      this.redisHitMs += ms;
    },
    loaded(ms) {
      this.loads += 1;
      this.loadMs += ms;
    },
  };
}

/** The share of reads that asked no source; `undefined` before the first. */
export function hitRateOf(stats: CacheStats): number | undefined {
  const hits = stats.memoryHits + stats.redisHits + stats.waited;
  const reads = hits + stats.misses + stats.bypasses;
  return reads === 0 ? undefined : hits / reads;
}
