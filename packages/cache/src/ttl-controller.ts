import { type CacheStats, hitRateOf } from "./stats.ts";

export interface TtlBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/** A TTL that was moved, and why. */
export interface TtlDecision {
  /** In ms since 1970. */
  readonly at: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly why: string;
}

export interface TtlControllerOptions {
  readonly ttlMs: number;
  readonly bounds: TtlBounds | undefined;
  readonly now: () => number;
}

export interface TtlController {
  readonly ttlMs: number;
  readonly decisions: readonly TtlDecision[];
  /** A value was loaded again because it was due, and had changed without anybody having said so, or not. */
  refreshed(refresh: { readonly isChanged: boolean }): void;
  /** Judges what happened since it was last called. */
  tune(stats: CacheStats): void;
}

const fewestRefreshes = 20;
const keptDecisions = 20;
const step = 1.5;
/** Changes that are only found by loading again: at more than this the TTL is too long, at less than that too short. */
const manyChanged = 0.2;
const fewChanged = 0.02;
/** Below this, and when loading costs this much, a longer TTL pays. */
const wantedHitRate = 0.95;
const cheapLoadMs = 1;

/**
 * Moves the TTL between its bounds. What a TTL is for is a change that nobody told the cache of: where values are
 * mostly found changed when they are loaded again, it is shortened; where they are not, and misses are frequent and
 * not cheap, it is lengthened.
 */
export function createTtlController({ ttlMs: first, bounds, now }: TtlControllerOptions): TtlController {
  const decisions: TtlDecision[] = [];
  let ttlMs = first;
  let refreshed = 0;
  let changed = 0;

  function move(factor: number, why: string, { minMs, maxMs }: TtlBounds): void {
    const toMs = Math.round(Math.min(maxMs, Math.max(minMs, ttlMs * factor)));
    if (toMs === ttlMs) return;
    decisions.push({ at: now(), fromMs: ttlMs, toMs, why });
    if (decisions.length > keptDecisions) decisions.shift();
    ttlMs = toMs;
  }

  return {
    get ttlMs() {
      return ttlMs;
    },
    decisions,
    refreshed({ isChanged }) {
      refreshed += 1;
      if (isChanged) changed += 1;
    },
    tune(stats) {
      if (bounds === undefined || refreshed < fewestRefreshes) return;
      const share = changed / refreshed;
      const found = `${changed} of ${refreshed} values had changed when they were loaded again`;
      const hitRate = hitRateOf(stats) ?? 1;
      const loadMs = stats.loadMs / Math.max(1, stats.loads);
      refreshed = 0;
      changed = 0;
      if (share > manyChanged) return move(1 / step, found, bounds);
      if (share < fewChanged && hitRate < wantedHitRate && loadMs > cheapLoadMs) {
        const cost = `the hit rate is ${hitRate.toFixed(2)} and a load takes ${loadMs.toFixed(1)} ms`;
        move(step, `${found}, ${cost}`, bounds);
      }
    },
  };
}
