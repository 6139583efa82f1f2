import { hostname } from "node:os";
import process from "node:process";
import type { Db } from "@millrace/db";
import { type JobHandler, type JobKey, type JobPayload, jobs, processings, type Queues } from "@millrace/jobs";
import { type Run, recordRun, runStatements } from "@millrace/upkeep";

export interface RecordedNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "load">;
  /** After this long the queue gives a dead worker's job to another. */
  readonly lockMs: number;
  /** Aborted when the process ends. */
  readonly signal: AbortSignal;
}

/** Upkeep waits while the oldest batch of events, or the oldest write, has waited for longer than this. */
const patienceMs = 1_000;

/** Makes handlers of scheduled jobs: one run at a time in the fleet, recorded, giving way to events and writes. */
export function createRecorded({ db, queues, lockMs, signal }: RecordedNeeds) {
  const worker = `${hostname()}:${process.pid}`;
  const isBusy = async (): Promise<boolean> => {
    const loads = await Promise.all((["ingest", "writes"] as const).map((name) => queues.load(name)));
    return loads.some(({ oldestWaitMs }) => oldestWaitMs > patienceMs);
  };
  return <Key extends JobKey>(key: Key, work: (run: Run, payload: JobPayload<Key>) => Promise<void>): JobHandler<Key> =>
    async (payload, { id }) => {
      const options = { db, job: jobs[key].name, queueJobId: id, worker, isBusy, signal, lostAfterMs: lockMs / 2 };
      const outcome = await processings.tracePromise(() => recordRun(options, (run) => work(run, payload)), {
        queue: "upkeep",
        name: jobs[key].name,
        jobs: [id],
        traces: undefined,
      });
      if (jobs[key].schedule === undefined) {
        // Nothing but this job knows what was asked for by hand: it is tried again until it is done.
        if (outcome !== "done") throw new Error(outcome === undefined ? "Another run is under way" : "It gave way");
      } else if (outcome === undefined) {
        // The next run by the clock does the same.
        await db.run(runStatements.noteSkipped, [options.job, id, worker]);
      }
    };
}
