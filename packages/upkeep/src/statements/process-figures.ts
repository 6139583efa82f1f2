import { type PoolEvent, poolEvents, statement } from "@millrace/db";

/** What a process counts of itself, by name; counts only ever grow while it lives. */
export type ProcessFigures = Readonly<Record<string, number>>;

export const addProcessMinutes = statement<[process: string, app: string, figures: string], never>(
  "process_minutes.add",
  `INSERT INTO process_minutes AS known (minute, process, app, figure, count)
   SELECT date_trunc('minute', now()), $1, $2, key, value::float8 FROM jsonb_each_text($3::jsonb)
       ON CONFLICT (minute, process, figure) DO UPDATE SET count = known.count + EXCLUDED.count`,
);

export const sumProcessMinutes = statement<[since: Date], { figure: string; count: number }>(
  "process_minutes.sum_since",
  "SELECT figure, sum(count) AS count FROM process_minutes WHERE minute >= $1 GROUP BY figure",
);

/** A wait for a connection that takes longer is a slow one. */
const slowWaitMs = 50;

/** Counts waits for connections in this process, and the slow ones among them. */
export function startPoolFigures(): Disposable & { read(): ProcessFigures } {
  let waits = 0;
  let slow = 0;
  const count = (message: unknown): void => {
    const { waitMs } = message as PoolEvent; // the channel carries nothing else
    waits += 1;
    if (waitMs > slowWaitMs) slow += 1;
  };
  poolEvents.subscribe(count);
  return {
    read: () => ({ pool_waits: waits, pool_slow_waits: slow }),
    [Symbol.dispose]: () => {
      poolEvents.unsubscribe(count);
    },
  };
}
