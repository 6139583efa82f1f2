import { hostname } from "node:os";
import process from "node:process";
import type { Db } from "@millrace/db";
import { type JobHandler, type JobKey, type JobPayload, jobs, type Queues } from "@millrace/jobs";
import { type Run, recordRun } from "@millrace/upkeep";

export interface RecordedNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "load">;
  /** Aborted when the process ends. */
  readonly signal: AbortSignal;
}

/** Upkeep waits while the oldest batch of events has waited for longer than this. */
const patienceMs = 1_000;

/** Makes handlers of scheduled jobs: one run at a time in the fleet, recorded, giving way to ingest. */
export function createRecorded({ db, queues, signal }: RecordedNeeds) {
  const worker = `${hostname()}:${process.pid}`;
  const isBusy = async (): Promise<boolean> => (await queues.load("ingest")).oldestWaitMs > patienceMs;
  return <Key extends JobKey>(key: Key, work: (run: Run, payload: JobPayload<Key>) => Promise<void>): JobHandler<Key> =>
    async (payload, { id }) => {
      const options = { db, job: jobs[key].name, queueJobId: id, worker, isBusy, signal };
      const outcome = await recordRun(options, (run) => work(run, payload));
      // The next run by the clock does the same; what was asked for by hand is asked for once.
      if (outcome === undefined && jobs[key].schedule === undefined) throw new Error("Another run is under way");
    };
}
