import { addTo, bucketOf, type LatencySketch } from "@millrace/runtime";

/** What is counted. The part after a dot is from a small set, such as the names of jobs. */
export type CountName =
  | "batches"
  | "events_accepted"
  | `events_rejected.${string}`
  | `jobs_done.${string}`
  | `jobs_failed.${string}`
  | "pool_slow_waits"
  | "pool_waits"
  | "requests"
  | "request_errors"
  | "rows_committed"
  | "rows_dead_lettered"
  | "rows_quarantined"
  | "statements"
  | "statements_failed"
  | "writes_accepted"
  | "writes_applied"
  | `cache_memory_hits.${string}`
  | `cache_redis_hits.${string}`
  | `cache_waited.${string}`
  | `cache_misses.${string}`
  | `cache_bypasses.${string}`;

/** What is timed. */
export type DurationName =
  | "accept_to_commit"
  | "job_run"
  | "job_wait"
  | "pool_wait"
  | "request"
  | "statement"
  | "write_accept_to_commit";

/** Numbers that only grow while a process lives; those of several processes add up. */
export type Counts = Readonly<Record<string, number>>;

/** What a process counts of itself since it began. */
export interface Figures {
  count(name: CountName, by?: number): void;
  time(name: DurationName, durationMs: number): void;
  /** All counts, with how many durations are in each bucket of a sketch under `name:bucket`. */
  read(): Counts;
}

/** `more` is asked for what is counted elsewhere. */
export function createFigures(more: () => Counts = () => ({})): Figures {
  const counts = new Map<string, number>();
  const durations = new Map<DurationName, LatencySketch>();
  return {
    count(name, by = 1) {
      if (by > 0) counts.set(name, (counts.get(name) ?? 0) + by);
    },

    time(name, durationMs) {
      let sketch = durations.get(name);
      if (sketch === undefined) {
        sketch = new Map();
        durations.set(name, sketch);
      }
      addTo(sketch, bucketOf(durationMs));
    },

    read() {
      const read: Record<string, number> = { ...more(), ...Object.fromEntries(counts) };
      for (const [name, sketch] of durations) {
        for (const [bucket, count] of sketch) read[`${name}:${bucket}`] = count;
      }
      return read;
    },
  };
}

/** What was added from the one reading to the other, without what stayed as it was. */
export function grownBetween(before: Counts, after: Counts): Counts {
  const grown = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

/** The counts of several processes together. */
export function sumOf(all: readonly Counts[]): Counts {
  const sum: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

/** The count of that name; of a name that ends in a dot, all that begin with it. */
export function countIn(counts: Counts, name: string): number {
  if (!name.endsWith(".")) return counts[name] ?? 0;
  return Object.entries(counts).reduce((sum, [each, count]) => (each.startsWith(name) ? sum + count : sum), 0);
}

/** The durations of that name, to read percentiles off them. */
export function sketchIn(counts: Counts, name: DurationName): LatencySketch {
  const sketch: LatencySketch = new Map();
  for (const [each, count] of Object.entries(counts)) {
    if (each.startsWith(`${name}:`)) addTo(sketch, Number(each.slice(name.length + 1)), count);
  }
  return sketch;
}
