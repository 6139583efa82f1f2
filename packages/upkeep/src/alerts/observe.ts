import { type Db, statement } from "@millrace/db";
import { addTo, type LatencySketch, quantileOf } from "@millrace/runtime";
import { databaseHealth } from "../health/database-health.ts";
import { sumProcessMinutes } from "../statements/process-figures.ts";
import { alertStatements } from "./alert-statements.ts";
import type { Looks } from "./evaluate.ts";
import type { Observed } from "./rule.ts";
import type { Observation } from "./step.ts";

const sumDurations = statement<[since: Date], { bucket: number; count: number }>(
  "alerts.sum_durations",
  `SELECT durations[at] AS bucket, sum(durations[at + 1])::float8 AS count
     FROM statement_minutes, generate_series(1, cardinality(durations), 2) AS at
    WHERE minute >= $1 GROUP BY bucket`,
);

/** A row that is there already is what the database is asked to find out, and no fault of its own: class 23. */
const sumErrors = statement<[since: Date], { errors: number }>(
  "alerts.sum_errors",
  `SELECT coalesce(sum(value::float8), 0) AS errors
     FROM statement_minutes, jsonb_each_text(errors)
    WHERE minute >= $1 AND errors IS NOT NULL AND key NOT LIKE '23%'`,
);

const countDeadLetters = statement<[since: Date], { count: number }>(
  "alerts.count_dead_letters",
  "SELECT count(*)::float8 AS count FROM dead_letters WHERE created_at >= $1",
);

/** What the queue's Redis tells. */
export interface QueueFigures {
  /** Of all queues with work that somebody waits for. */
  readonly oldestWaitMs: number;
  /** Consumers of the queue that has fewest. */
  readonly consumers: number;
}

export interface ObserveNeeds {
  readonly db: Db;
  readonly partitionedTable: string;
  readonly diskBytes: number | undefined;
  /** Rejects when Redis does not tell. */
  readonly readQueues: () => Promise<QueueFigures>;
  /** Something could not be looked at, or somebody not told; the rest is. */
  readonly onError: (error: unknown) => void;
}

const minuteMs = 60_000;

/**
 * All that rules look at, as of now: what happened in the last five minutes, and what the database and the queues are
 * like. What cannot be looked at has no value. Rejects only if the database does not even tell the time.
 */
export async function observe(needs: ObserveNeeds): Promise<Looks> {
  const { db, partitionedTable, diskBytes, readQueues, onError } = needs;
  const [{ now: at } = { now: new Date() }] = await db.rows(alertStatements.now, []);
  const since = (minutes: number): Date => new Date(at.getTime() - minutes * minuteMs);
  const attempt = async <T>(look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      onError(error);
      return undefined;
    }
  };
  const statements = await attempt(() => statementFigures(db, since(5)));
  const processes = await attempt(() => db.rows(sumProcessMinutes, [since(5)]));
  const letters = await attempt(() => db.rows(countDeadLetters, [since(15)]));
  const health = await attempt(() => databaseHealth(db, { partitionedTable, diskBytes, now: () => at }));
  const queues = await attempt(readQueues);
  const figures = new Map(processes?.map(({ figure, count }) => [figure, count]));
  const shareOf = (part: string, whole: string): Observation => share(figures.get(part) ?? 0, figures.get(whole) ?? 0);
  const fromHealth = (id: string): Observation => one(health?.find((check) => check.id === id)?.value ?? undefined);
  const values = new Map<Observed, Observation>([
    ["query_p95_ms", { value: statements?.p95Ms, samples: statements?.calls ?? 0 }],
    ["query_error_share", share(statements?.errors ?? 0, statements?.calls ?? 0)],
    ["request_error_share", shareOf("request_errors", "requests")],
    ["cache_hit_share", shareOf("cache_hits", "cache_reads")],
    ["pool_slow_wait_share", shareOf("pool_slow_waits", "pool_waits")],
    ["connection_share", fromHealth("connections")],
    ["consumers", one(queues?.consumers)],
    ["oldest_job_seconds", one(queues && queues.oldestWaitMs / 1_000)],
    ["queue_away", one(queues === undefined ? 1 : 0)],
    ["dead_letters_added", one(letters?.[0]?.count)],
    ["partition_months_ahead", fromHealth("partition_horizon")],
    ["replica_lag_bytes", fromHealth("replication_lag")],
    ["disk_days_left", fromHealth("disk")],
    ["oldest_xid_age", fromHealth("wraparound")],
  ]);
  return { at, values };
}

async function statementFigures(db: Db, since: Date) {
  const sketch: LatencySketch = new Map();
  for (const { bucket, count } of await db.rows(sumDurations, [since])) addTo(sketch, bucket, count);
  const calls = [...sketch.values()].reduce((sum, count) => sum + count, 0);
  const [{ errors } = { errors: 0 }] = await db.rows(sumErrors, [since]);
  return { p95Ms: quantileOf(sketch, 0.95), calls, errors };
}

function share(part: number, whole: number): Observation {
  return { value: whole === 0 ? undefined : part / whole, samples: whole };
}

function one(value: number | undefined): Observation {
  return { value, samples: value === undefined ? 0 : Number.POSITIVE_INFINITY };
}
