import { type Db, statement } from "@millrace/db";
import { addTo, type LatencySketch, quantileOf } from "@millrace/runtime";
import type { HealthCheck } from "../health/check.ts";
import { samplesSince } from "../samples/sample.ts";
import { sumProcessMinutes } from "../statements/process-figures.ts";
import type { Observed } from "./rule.ts";
import type { Observation } from "./step.ts";

const sumDurations = statement<[since: Date], { bucket: number; count: number }>(
  "alerts.sum_durations",
  `SELECT durations[at] AS bucket, sum(durations[at + 1])::float8 AS count
     FROM statement_minutes, generate_series(1, cardinality(durations), 2) AS at
    WHERE minute >= $1 GROUP BY bucket`,
);

const sumErrors = statement<[since: Date], { errors: number }>(
  "alerts.sum_errors",
  `SELECT coalesce(sum(value::float8), 0) AS errors
     FROM statement_minutes, jsonb_each_text(errors) WHERE minute >= $1 AND errors IS NOT NULL`,
);

export interface ObserveNeeds {
  readonly db: Db;
  readonly health: readonly HealthCheck[];
  /** Of all queues; `undefined` when Redis does not tell. */
  readonly oldestJobSeconds: number | undefined;
  readonly now: Date;
}

const minuteMs = 60_000;

/** All that rules look at, as of now: what happened in the last five minutes, and what the database is like. */
export async function observe(needs: ObserveNeeds): Promise<ReadonlyMap<Observed, Observation>> {
  const { db, health, oldestJobSeconds, now } = needs;
  const recently = new Date(now.getTime() - 5 * minuteMs);
  const sketch: LatencySketch = new Map();
  for (const { bucket, count } of await db.rows(sumDurations, [recently])) addTo(sketch, bucket, count);
  const calls = [...sketch.values()].reduce((sum, count) => sum + count, 0);
  const [{ errors } = { errors: 0 }] = await db.rows(sumErrors, [recently]);
  const figures = new Map((await db.rows(sumProcessMinutes, [recently])).map(({ figure, count }) => [figure, count]));
  const share = (part: number, whole: number): Observation => ({
    value: whole === 0 ? undefined : part / whole,
    samples: whole,
  });
  const shareOf = (part: string, whole: string): Observation => share(figures.get(part) ?? 0, figures.get(whole) ?? 0);
  const fromHealth = (id: string): Observation => one(health.find((check) => check.id === id)?.value ?? undefined);
  return new Map<Observed, Observation>([
    ["query_p95_ms", { value: quantileOf(sketch, 0.95), samples: calls }],
    ["query_error_share", share(errors, calls)],
    ["cache_hit_share", shareOf("cache_hits", "cache_reads")],
    ["pool_slow_wait_share", shareOf("pool_slow_waits", "pool_waits")],
    ["oldest_job_seconds", one(oldestJobSeconds)],
    ["dead_letters_added", one(await deadLettersAdded(db, now))],
    ["partition_months_ahead", fromHealth("partition_horizon")],
    ["replica_lag_bytes", fromHealth("replication_lag")],
    ["disk_days_left", fromHealth("disk")],
    ["oldest_xid_age", fromHealth("wraparound")],
    ["connection_share", fromHealth("connections")],
  ]);
}

function one(value: number | undefined): Observation {
  return { value, samples: value === undefined ? 0 : Number.POSITIVE_INFINITY };
}

async function deadLettersAdded(db: Db, now: Date): Promise<number | undefined> {
  const samples = await samplesSince(db, new Date(now.getTime() - 15 * minuteMs));
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return Math.max(0, last.sample.dead_letters_waiting - first.sample.dead_letters_waiting);
}
