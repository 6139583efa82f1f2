import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "@millrace/db";
import { startLoop } from "@millrace/runtime";
import { type RunOutcome, runStatements } from "./run-statements.ts";

/** What a run of a scheduled job is handed. */
export interface Run {
  /** Aborted when the process ends, and when the run was given up for lost and may go on elsewhere. */
  readonly signal: AbortSignal;
  /** When the last run began, if it did not come to its end: what it left half-done is to be finished. */
  readonly unfinishedSince: Date | undefined;
  /** Notes that the run did something, so many times. */
  changed(what: string, count?: number): void;
  /**
   * Waits while more urgent work needs the database. Call it between batches. Throws when that takes too long, which
   * ends the run as deferred: what it has done is kept, the next one goes on.
   */
  giveWay(): Promise<void>;
}

export interface RecordRunOptions {
  readonly db: Db;
  /** The job's name on the wire. */
  readonly job: string;
  /** The queue's id of this job; a run by hand is found again by it. */
  readonly queueJobId: string;
  /** Names this process to people. */
  readonly worker: string;
  /** Whether work that is more urgent than upkeep waits. */
  readonly isBusy: () => Promise<boolean>;
  /** Aborted when the process ends. */
  readonly signal: AbortSignal;
  /** Default: 60 s. */
  readonly maxGiveWayMs?: number;
  /** How often the run says that it is alive. Default: a quarter of the following. */
  readonly aliveEveryMs?: number;
  /**
   * A run that was silent for longer is lost. No more than half of the queue's lock: that is how soon after a worker's
   * death another may be given its job, and it is to find that run lost. Default: 15 s.
   */
  readonly lostAfterMs?: number;
}

class DeferredError extends Error {}

const lookAgainMs = 250;

/**
 * Runs `work` unless the job is being run already, anywhere in the fleet, and records it. Gives how it ended, or
 * `undefined` if another run was under way. Rejects with what `work` rejects with, after recording that.
 */
export async function recordRun(
  options: RecordRunOptions,
  work: (run: Run) => Promise<void>,
): Promise<RunOutcome | undefined> {
  const { db, job, maxGiveWayMs = 60_000, lostAfterMs = 15_000, aliveEveryMs = lostAfterMs / 4 } = options;
  await db.run(runStatements.endLost, [job, lostAfterMs]);
  const [begun] = await db.rows(runStatements.begin, [job, options.queueJobId, options.worker]);
  if (begun === undefined) return undefined;
  const { id } = begun;
  const lost = new AbortController();
  const signal = AbortSignal.any([options.signal, lost.signal]);
  const changes: Record<string, number> = {};
  const end = (outcome: RunOutcome, error?: unknown): Promise<number> =>
    db.run(runStatements.end, [id, outcome, JSON.stringify(changes), error === undefined ? null : textOf(error)]);
  const alive = startLoop({
    everyMs: aliveEveryMs,
    tick: async () => {
      if ((await db.run(runStatements.keepAlive, [id, JSON.stringify(changes)])) === 0) {
        lost.abort(new Error("The run was given up for lost"));
      }
    },
    onError: () => {}, // a database that is away is noticed by the work itself
  });
  try {
    await work({
      signal,
      unfinishedSince: begun.unfinished_since ?? undefined,
      changed(what, count = 1) {
        changes[what] = (changes[what] ?? 0) + count;
      },
      async giveWay() {
        const until = performance.now() + maxGiveWayMs;
        while (await options.isBusy()) {
          if (performance.now() >= until) throw new DeferredError("Ingest needed the database for longer than that");
          await sleep(lookAgainMs, undefined, { signal });
        }
        signal.throwIfAborted();
      },
    });
    await alive[Symbol.asyncDispose]();
    await end("done");
    return "done";
  } catch (error) {
    await alive[Symbol.asyncDispose]();
    if (error instanceof DeferredError || options.signal.aborted) {
      await end("deferred", error);
      return "deferred";
    }
    await end("failed", error).catch(() => {}); // it counts as lost then; the first error is the one to tell
    throw error;
  }
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 2_000);
}
