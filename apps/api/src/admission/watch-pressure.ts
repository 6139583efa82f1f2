import { type Db, statement } from "@millrace/db";
import type { QueueLoad, Queues } from "@millrace/jobs";
import { startLoop } from "@millrace/runtime";
import { type PressureLimits, type PressureReason, pressureOf, type Readings } from "./pressure.ts";

export interface PressureWatch extends AsyncDisposable {
  /** Why no more events are taken at the moment. Costs nothing to ask. */
  reason(): PressureReason | undefined;
  readings(): Readings;
}

export interface PressureWatchOptions {
  readonly db: Db;
  readonly queues: Pick<Queues, "load">;
  readonly limits: PressureLimits;
  readonly sampleMs?: number;
  readonly onChange?: (reason: PressureReason | undefined, readings: Readings) => void;
}

const answers = statement<[], { answers: number }>("admission.select_one", "SELECT 1 AS answers");

/** How much of the speed that was measured before remains after a second: seen from afar, and from near. */
const memories = [0.6, 0.1];

/** Reads the state of the queue, the database and this process in the background, a few times a second. */
export function watchPressure(options: PressureWatchOptions): PressureWatch {
  const { db, queues, limits, sampleMs = 250, onChange } = options;
  const speed = createSpeedometer();
  let readings: Readings = { queue: undefined, jobsPerSecond: 0, isDatabaseUp: true, rssBytes: 0 };
  let reason: PressureReason | undefined;

  function update(changed: Partial<Readings>): void {
    readings = { ...readings, ...changed };
    const before = reason;
    reason = pressureOf(readings, limits);
    if (reason !== before) onChange?.(reason, readings);
  }

  const loops = new AsyncDisposableStack();
  loops.use(
    startLoop({
      everyMs: sampleMs,
      tick: async () => {
        const queue = await queues.load("ingest");
        update({ queue, jobsPerSecond: speed.take(queue), rssBytes: process.memoryUsage.rss() });
      },
      onError: () => update({ queue: undefined, rssBytes: process.memoryUsage.rss() }),
    }),
  );
  loops.use(
    startLoop({
      everyMs: 4 * sampleMs,
      tick: async () => {
        await db.rows(answers, []);
        update({ isDatabaseUp: true });
      },
      onError: () => update({ isDatabaseUp: false }),
    }),
  );
  return {
    reason: () => reason,
    readings: () => readings,
    [Symbol.asyncDispose]: () => loops.disposeAsync(),
  };
}

/**
 * Jobs finished in a second: the lower one of a calm and of a nimble average, so that a queue whose jobs grow, or
 * whose workers become slower, is closed before it is too long.
 */
function createSpeedometer(): { take(load: QueueLoad): number } {
  let last: { finishedJobs: number; at: number } | undefined;
  let averages = memories.map(() => 0);
  return {
    take({ finishedJobs }) {
      const at = performance.now();
      if (last !== undefined && at > last.at) {
        const seconds = (at - last.at) / 1_000;
        // A count that went back is that of another Redis.
        const perSecond = Math.max(0, finishedJobs - last.finishedJobs) / seconds;
        averages = averages.map((average, index) => {
          const kept = (memories[index] ?? 0) ** seconds;
          return average * kept + perSecond * (1 - kept);
        });
      }
      last = { finishedJobs, at };
      return Math.min(...averages);
    },
  };
}
