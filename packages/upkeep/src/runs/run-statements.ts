import { statement } from "@millrace/db";

/**
 * How a run of a scheduled job ended: a deferred one gave way to work that was more urgent, a skipped one was due while
 * another was under way.
 */
export type RunOutcome = "done" | "deferred" | "failed" | "lost" | "skipped";

export interface RunRow {
  readonly id: string;
  readonly job: string;
  readonly queue_job_id: string;
  readonly worker: string;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly outcome: RunOutcome | null;
  /** What it did, by name. */
  readonly changed: Readonly<Record<string, number>>;
  readonly error: string | null;
}

const columns = "id, job, queue_job_id, worker, started_at, ended_at, outcome, changed, error";

/** Times are the database's, which all processes share. */
export const runStatements = {
  endLost: statement<[job: string, silentMs: number], never>(
    "job_runs.end_lost",
    `UPDATE job_runs SET ended_at = clock_timestamp(), outcome = 'lost', error = 'its process was not heard of any more'
      WHERE job = $1 AND ended_at IS NULL AND alive_at < clock_timestamp() - $2 * interval '1 ms'`,
  ),

  /** No row while another run of the job is under way. */
  begin: statement<[job: string, queueJobId: string, worker: string], { id: string; unfinished_since: Date | null }>(
    "job_runs.begin",
    `WITH last AS (
       SELECT outcome, started_at FROM job_runs
        WHERE job = $1 AND ended_at IS NOT NULL AND outcome <> 'skipped' ORDER BY started_at DESC LIMIT 1
     )
     INSERT INTO job_runs (job, queue_job_id, worker) VALUES ($1, $2, $3)
         ON CONFLICT (job) WHERE ended_at IS NULL DO NOTHING
     RETURNING id, (SELECT started_at FROM last WHERE outcome <> 'done') AS unfinished_since`,
  ),

  noteSkipped: statement<[job: string, queueJobId: string, worker: string], never>(
    "job_runs.note_skipped",
    `INSERT INTO job_runs (job, queue_job_id, worker, ended_at, outcome, error)
     VALUES ($1, $2, $3, clock_timestamp(), 'skipped', 'another run was under way')`,
  ),

  /** Changes no row when the run was given up for lost meanwhile. */
  keepAlive: statement<[id: string, changed: string], never>(
    "job_runs.keep_alive",
    "UPDATE job_runs SET alive_at = clock_timestamp(), changed = $2::jsonb WHERE id = $1 AND ended_at IS NULL",
  ),

  end: statement<[id: string, outcome: RunOutcome, changed: string, error: string | null], never>(
    "job_runs.end",
    `UPDATE job_runs SET ended_at = clock_timestamp(), outcome = $2, changed = $3::jsonb, error = $4
      WHERE id = $1 AND ended_at IS NULL`,
  ),

  listByJob: statement<[job: string, limit: number], RunRow>(
    "job_runs.list_by_job",
    `SELECT ${columns} FROM job_runs WHERE job = $1 ORDER BY started_at DESC LIMIT $2`,
  ),

  deleteOld: statement<[before: Date, limit: number], never>(
    "job_runs.delete_old",
    `DELETE FROM job_runs WHERE id IN (SELECT id FROM job_runs WHERE started_at < $1 ORDER BY started_at LIMIT $2)`,
  ),
} as const;
