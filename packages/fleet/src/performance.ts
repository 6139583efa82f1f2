import { quantileOf } from "@millrace/runtime";
import { z } from "zod";
import { type Counts, countIn, type DurationName, sketchIn } from "./figures.ts";

const count = z.number().min(0);
const rate = count.describe("Per second");
const share = z.number().min(0).max(1).nullable().describe("null when there were none");
const latency = z.object({
  p50_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
  p99_ms: z.number().nullable(),
});

/** How it went in a span of time. */
export const performanceFigures = z.object({
  seconds: count.describe("How long the span was"),
  requests: latency.extend({ count, per_second: rate, failed: count.describe("5xx"), error_share: share }),
  events: z.object({
    accepted: count,
    rejected: z.record(z.string(), count).describe("By the reason"),
    committed: count,
    dead_lettered: count,
    quarantined: count,
    per_second: rate.describe("Committed per second"),
    accept_to_commit: latency,
  }),
  writes: z.object({ accepted: count, applied: count, accept_to_commit: latency }),
  jobs: z.object({
    done: count,
    failed: count,
    per_second: rate,
    error_share: share,
    wait: latency.describe("Until a worker took it"),
    run: latency,
    by_name: z.record(z.string(), z.object({ done: count, failed: count })),
  }),
  queries: latency.extend({ count, per_second: rate, failed: count, error_share: share }),
  cache: z.object({
    reads: count,
    hit_share: share,
    by_namespace: z.record(z.string(), z.object({ reads: count, hit_share: share, memory_share: share })),
  }),
  pool: latency.extend({ waits: count, slow_waits: count.describe("Longer than 50 ms"), slow_share: share }),
});

export type PerformanceFigures = z.output<typeof performanceFigures>;

/** How it went, from what was counted in so many seconds. */
export function performanceIn(counts: Counts, seconds: number): PerformanceFigures {
  const of = (name: string): number => countIn(counts, name);
  const perSecond = (number: number): number => number / seconds;
  const done = of("jobs_done.");
  const failed = of("jobs_failed.");
  return {
    seconds,
    requests: {
      count: of("requests"),
      per_second: perSecond(of("requests")),
      failed: of("request_errors"),
      error_share: shareOf(of("request_errors"), of("requests")),
      ...latencyIn(counts, "request"),
    },
    events: {
      accepted: of("events_accepted"),
      rejected: Object.fromEntries(partsOf(counts, "events_rejected.")),
      committed: of("rows_committed"),
      dead_lettered: of("rows_dead_lettered"),
      quarantined: of("rows_quarantined"),
      per_second: perSecond(of("rows_committed")),
      accept_to_commit: latencyIn(counts, "accept_to_commit"),
    },
    writes: {
      accepted: of("writes_accepted"),
      applied: of("writes_applied"),
      accept_to_commit: latencyIn(counts, "write_accept_to_commit"),
    },
    jobs: {
      done,
      failed,
      per_second: perSecond(done + failed),
      error_share: shareOf(failed, done + failed),
      wait: latencyIn(counts, "job_wait"),
      run: latencyIn(counts, "job_run"),
      by_name: jobsIn(counts),
    },
    queries: {
      count: of("statements"),
      per_second: perSecond(of("statements")),
      failed: of("statements_failed"),
      error_share: shareOf(of("statements_failed"), of("statements")),
      ...latencyIn(counts, "statement"),
    },
    cache: cacheIn(counts),
    pool: {
      waits: of("pool_waits"),
      slow_waits: of("pool_slow_waits"),
      slow_share: shareOf(of("pool_slow_waits"), of("pool_waits")),
      ...latencyIn(counts, "pool_wait"),
    },
  };
}

function jobsIn(counts: Counts): PerformanceFigures["jobs"]["by_name"] {
  const done = new Map(partsOf(counts, "jobs_done."));
  const failed = new Map(partsOf(counts, "jobs_failed."));
  const names = [...new Set([...done.keys(), ...failed.keys()])].sort();
  return Object.fromEntries(names.map((name) => [name, { done: done.get(name) ?? 0, failed: failed.get(name) ?? 0 }]));
}

const hits = ["cache_memory_hits.", "cache_redis_hits.", "cache_waited."] as const;
const tiers = [...hits, "cache_misses.", "cache_bypasses."] as const;

function cacheIn(counts: Counts): PerformanceFigures["cache"] {
  const sum = (prefixes: readonly string[], namespace = ""): number =>
    prefixes.reduce((total, prefix) => total + countIn(counts, prefix + namespace), 0);
  const namespaces = [...new Set(tiers.flatMap((prefix) => partsOf(counts, prefix).map(([name]) => name)))].sort();
  return {
    reads: sum(tiers),
    hit_share: shareOf(sum(hits), sum(tiers)),
    by_namespace: Object.fromEntries(
      namespaces.map((name) => {
        const reads = sum(tiers, name);
        const memory = sum(["cache_memory_hits."], name);
        return [name, { reads, hit_share: shareOf(sum(hits, name), reads), memory_share: shareOf(memory, reads) }];
      }),
    ),
  };
}

/** The counts whose names begin so, by what follows. */
function partsOf(counts: Counts, prefix: string): [name: string, count: number][] {
  return Object.entries(counts).flatMap(([name, number]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), number]] : [],
  );
}

function latencyIn(counts: Counts, name: DurationName): z.output<typeof latency> {
  const sketch = sketchIn(counts, name);
  const at = (part: number): number | null => quantileOf(sketch, part) ?? null;
  return { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) };
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
