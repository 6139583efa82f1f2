import { type Db, statement } from "@millrace/db";
import { boundedQuestion } from "@millrace/fleet";
import { type DatabaseSample, partitionHorizon } from "@millrace/upkeep";
import { Gauge, type Registry } from "prom-client";

const lastRuns = statement<[], { job: string; outcome: string; at: number }>(
  "job_runs.list_last",
  `SELECT DISTINCT ON (job, outcome) job, outcome, extract(epoch FROM ended_at)::float8 AS at
     FROM job_runs WHERE ended_at IS NOT NULL AND started_at > now() - interval '14 days'
    ORDER BY job, outcome, started_at DESC`,
);
const lastSample = statement<[], { at: number; sample: DatabaseSample }>(
  "database_samples.get_last",
  `SELECT extract(epoch FROM taken_at)::float8 AS at, sample FROM database_samples
    WHERE taken_at > now() - interval '1 hour' ORDER BY taken_at DESC LIMIT 1`,
);
const waitingLetters = statement<[], { reason: string; count: number }>(
  "dead_letters.count_by_reason",
  `SELECT reason_code AS reason, count(*)::float8 AS count
     FROM dead_letters WHERE redriven_at IS NULL GROUP BY reason_code ORDER BY count DESC LIMIT 20`,
);

export interface UpkeepMetricsNeeds {
  readonly registry: Registry;
  readonly db: Db;
  readonly partitionedTable: string;
  /** What the disk of the database holds, if that is known. */
  readonly diskBytes: number | undefined;
  readonly onError: (error: unknown) => void;
}

/** So long what the database says of itself is said again: it changes by the minute. */
const freshMs = 10_000;

/**
 * What is in the database for operators to look at, the same whichever process is asked: when upkeep last did its work,
 * partitions, dead letters, and the last sample. What it does not tell in time is left out.
 */
export function observeUpkeep({ registry, db, partitionedTable, diskBytes, onError }: UpkeepMetricsNeeds): void {
  const registers = [registry];
  const ask = <T>(question: () => Promise<T>): (() => Promise<T | undefined>) =>
    boundedQuestion<T | undefined>(
      () =>
        question().catch((error: unknown) => {
          onError(error);
          return undefined;
        }),
      () => undefined,
      { freshMs },
    );
  const runs = ask(() => db.rows(lastRuns, []));
  const sample = ask(() => db.rows(lastSample, []));
  const letters = ask(() => db.rows(waitingLetters, []));
  const horizon = ask(() => partitionHorizon(db, partitionedTable, new Date()));

  new Gauge({
    name: "millrace_job_last_end_timestamp_seconds",
    help: "When a scheduled job last ended so, since 1970",
    labelNames: ["job", "outcome"],
    registers,
    async collect() {
      const known = await runs();
      this.reset(); // only now: others may be scraping too
      for (const { job, outcome, at } of known ?? []) this.set({ job, outcome }, at);
    },
  });
  new Gauge({
    name: "millrace_dead_letters",
    help: "Dead letters that wait to be looked at, by the reason",
    labelNames: ["reason"],
    registers,
    async collect() {
      const known = await letters();
      this.reset();
      for (const { reason, count } of known ?? []) this.set({ reason }, count);
    },
  });
  const single = (name: string, help: string, read: () => Promise<number | undefined>): void => {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const value = await read();
        this.remove();
        if (value !== undefined) this.set(value);
      },
    });
  };
  const sampled = (read: (sample: DatabaseSample) => number) => async (): Promise<number | undefined> => {
    const [last] = (await sample()) ?? [];
    return last && read(last.sample);
  };
  single(
    "millrace_partition_months_ahead",
    "Coming months for which there are partitions; -1 when this month has none",
    horizon,
  );
  single(
    "millrace_database_sampled_timestamp_seconds",
    "When the database was last looked at, since 1970",
    async () => {
      const [last] = (await sample()) ?? [];
      return last?.at;
    },
  );
  single(
    "millrace_database_connections",
    "Connections to the database, idle ones too",
    sampled((s) => s.connections_active + s.connections_idle + s.connections_idle_in_transaction),
  );
  single(
    "millrace_database_connections_max",
    "Connections that PostgreSQL lets in",
    sampled((s) => s.connections_max),
  );
  single(
    "millrace_database_bytes",
    "Size of the database",
    sampled((s) => s.database_bytes),
  );
  single(
    "millrace_database_replica_lag_bytes",
    "Bytes of log that the standby lacks which is furthest behind",
    sampled((s) => s.replica_lag_bytes),
  );
  single(
    "millrace_database_oldest_xid_age",
    "Transactions since the oldest row was frozen",
    sampled((s) => s.oldest_xid_age),
  );
  if (diskBytes !== undefined) {
    single("millrace_database_disk_bytes", "What the disk of PostgreSQL holds", async () => diskBytes);
  }
}
