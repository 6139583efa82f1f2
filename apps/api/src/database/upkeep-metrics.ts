import { type Db, statement } from "@millrace/db";
import { Gauge, type Registry } from "prom-client";

const lastRuns = statement<[], { job: string; outcome: string; at: number }>(
  "job_runs.list_last",
  `SELECT DISTINCT ON (job, outcome) job, outcome, extract(epoch FROM ended_at)::float8 AS at
     FROM job_runs WHERE ended_at IS NOT NULL AND started_at > now() - interval '14 days'
    ORDER BY job, outcome, started_at DESC`,
);

export interface UpkeepMetricsNeeds {
  readonly registry: Registry;
  readonly db: Db;
  readonly onError: (error: unknown) => void;
}

/** When upkeep last did its work; the same whichever process is asked. */
export function observeUpkeep({ registry, db, onError }: UpkeepMetricsNeeds): void {
  new Gauge({
    name: "millrace_job_last_end_timestamp_seconds",
    help: "When a scheduled job last ended so, since 1970",
    labelNames: ["job", "outcome"],
    registers: [registry],
    async collect() {
      this.reset();
      for (const { job, outcome, at } of (await db.rows(lastRuns, []).catch(onError)) ?? [])
        this.set({ job, outcome }, at);
    },
  });
}
