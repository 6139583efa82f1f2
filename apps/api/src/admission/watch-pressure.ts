import { type Db, statement } from "@millrace/db";
import type { QueueLoad, Queues } from "@millrace/jobs";
import { startLoop } from "@millrace/runtime";
import { type PressureLimits, type PressureReason, pressureOf, type Readings } from "./pressure.ts";

export interface PressureWatch extends AsyncDisposable {
  /** Why no more events are taken at the moment. Costs nothing to ask. */
  reason(): PressureReason | undefined;
  readings(): Readings;
  /** Counts bytes that this process puts into the queue, which the last look at it did not see yet. */
  passed(bytes: number): void;
}

export interface PressureWatchOptions {
  readonly db: Db;
  readonly queues: Pick<Queues, "load">;
  readonly limits: PressureLimits;
  readonly sampleMs?: number;
  readonly onChange?: (reason: PressureReason | undefined, readings: Readings) => void;
}

const answers = statement<[], { answers: number }>("admission.select_one", "SELECT 1 AS answers");

/** How much of the speed that was measured before remains after a second. */
const memoryOfSpeed = 0.4;

/** Reads the state of the queue, the database and this process in the background, a few times a second. */
export function watchPressure(options: PressureWatchOptions): PressureWatch {
  const { db, queues, limits, sampleMs = 250, onChange } = options;
  const speed = createSpeedometer();
  let readings: Readings = { queue: undefined, bytesPerSecond: 0, isDatabaseUp: true, rssBytes: 0 };
  let reason: PressureReason | undefined;

  function update(changed: Partial<Readings>): void {
    readings = { ...readings, ...changed };
    const before = reason;
    reason = pressureOf(readings, limits);
    if (reason !== before) onChange?.(reason, readings);
  }

  function passed(bytes: number): void {
    const { queue } = readings;
    if (queue === undefined) return;
    const { usedBytes, waitingBytes } = queue;
    update({ queue: { ...queue, usedBytes: usedBytes + bytes, waitingBytes: waitingBytes + bytes } });
  }

  const loops = new AsyncDisposableStack();
  loops.use(
    startLoop({
      everyMs: sampleMs,
      tick: async () => {
        const queue = await queues.load("ingest");
        update({ queue, bytesPerSecond: speed.take(queue), rssBytes: process.memoryUsage.rss() });
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
    passed,
    [Symbol.asyncDispose]: () => loops.disposeAsync(),
  };
}

/** Bytes of jobs finished in a second, smoothed; those jobs are taken to be as large as the one that was next. */
function createSpeedometer(): { take(load: QueueLoad): number } {
  let last: { finishedJobs: number; at: number } | undefined;
  let jobBytes = 0;
  let perSecond = 0;
  return {
    take({ finishedJobs, nextBytes }) {
      const at = performance.now();
      if (last !== undefined && at > last.at) {
        const seconds = (at - last.at) / 1_000;
        const kept = memoryOfSpeed ** seconds;
        // A count that went back is that of another Redis.
        const finishedBytes = Math.max(0, finishedJobs - last.finishedJobs) * jobBytes;
        perSecond = perSecond * kept + (finishedBytes / seconds) * (1 - kept);
      }
      last = { finishedJobs, at };
      if (nextBytes > 0) jobBytes = nextBytes;
      return perSecond;
    },
  };
}
