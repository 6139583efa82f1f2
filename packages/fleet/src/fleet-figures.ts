import { type LatencySketch, quantileOf } from "@millrace/runtime";
import { type Counts, countIn, type DurationName, sketchIn, sumOf } from "./figures.ts";
import type { Span } from "./history.ts";
import type { Member } from "./join-fleet.ts";

/** Percentiles of durations; `null` when there were none. */
export interface Latency {
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly samples: number;
}

/** What happens in a second in one namespace of the cache. */
export interface CacheRate {
  readonly namespace: string;
  readonly reads: number;
  /** Of the reads, those that asked no database; `null` without reads. */
  readonly hit_share: number | null;
  readonly memory_share: number | null;
  readonly misses: number;
}

/** Who has not told of itself for so long is about to be forgotten: what it did last is over. */
const freshMs = 6_000;

/** What each second adds to a count in the whole fleet; `null` while no process has told twice. */
export function rateOf(members: readonly Member[], ...names: readonly string[]): number | null {
  const spans = spansOf(members, "last");
  if (spans.length === 0) return null;
  return spans.reduce((sum, span) => sum + rateIn(span, names), 0);
}

/** The same for one process. */
export function rateIn({ ms, counts }: Span, names: readonly string[]): number {
  return (names.reduce((sum, name) => sum + countIn(counts, name), 0) * 1_000) / ms;
}

/** How long it took in the last ten seconds, in all processes. */
export function latencyOf(members: readonly Member[], name: DurationName): Latency {
  return percentilesOf(sketchIn(sumOf(spansOf(members, "recent").map(({ counts }) => counts)), name));
}

/** The percentiles that operators look at. */
export function percentilesOf(sketch: LatencySketch): Latency {
  return {
    p50_ms: quantileOf(sketch, 0.5) ?? null,
    p99_ms: quantileOf(sketch, 0.99) ?? null,
    samples: [...sketch.values()].reduce((sum, count) => sum + count, 0),
  };
}

/** Of the last ten seconds, for each namespace that a process has. */
export function cacheRatesOf(members: readonly Member[]): CacheRate[] {
  const spans = spansOf(members, "recent");
  const namespaces = new Set(members.flatMap(({ report }) => namespacesIn(report.counts)));
  return [...namespaces].sort().map((namespace) => {
    const perSecond = (name: string): number =>
      spans.reduce((sum, span) => sum + rateIn(span, [`${name}.${namespace}`]), 0);
    const memory = perSecond("cache_memory_hits");
    const hits = memory + perSecond("cache_redis_hits") + perSecond("cache_waited");
    const misses = perSecond("cache_misses") + perSecond("cache_bypasses");
    const reads = hits + misses;
    const shareOf = (part: number): number | null => (reads === 0 ? null : part / reads);
    return { namespace, reads, hit_share: shareOf(hits), memory_share: shareOf(memory), misses };
  });
}

function namespacesIn(counts: Counts): string[] {
  return Object.keys(counts).flatMap((name) => /^cache_memory_hits\.(.+)$/.exec(name)?.[1] ?? []);
}

function spansOf(members: readonly Member[], which: "last" | "recent"): Span[] {
  return members.flatMap(({ report, ageMs }) => (ageMs > freshMs ? [] : (report[which] ?? [])));
}
