import { type QueryEvent, queryEvents, sqlStateOf } from "@millrace/db";
import { addTo, bucketOf, type LatencySketch } from "@millrace/runtime";

/** What one statement did in one process in one minute. */
export interface StatementCounts {
  calls: number;
  rows: number;
  totalMs: number;
  /** Calls beyond the tenth within one request: what a list read row by row looks like. */
  repeated: number;
  readonly errors: Map<string, number>;
  readonly durations: LatencySketch;
}

/** A call with its values, which are kept in memory only, until the next call takes its place. */
export interface StatementCall {
  readonly name: string;
  readonly text: string;
  readonly params: readonly unknown[];
  readonly durationMs: number;
}

export interface StatementStats extends Disposable {
  /** The counts since the last call of this, by the statement's name. */
  take(): ReadonlyMap<string, StatementCounts>;
  /** The last call of each statement that can be explained. */
  readonly lastCalls: ReadonlyMap<string, StatementCall>;
}

/** Counts all statements of this process. `onCall` is told of each that succeeded; it must be quick. */
export function startStatementStats(onCall: (call: StatementCall) => void = () => {}): StatementStats {
  let current = new Map<string, StatementCounts>();
  const lastCalls = new Map<string, StatementCall>();

  function count(message: unknown): void {
    const { name, text, params, durationMs, rows, error, nth } = message as QueryEvent; // the channel carries nothing else
    let counts = current.get(name);
    if (counts === undefined) {
      counts = { calls: 0, rows: 0, totalMs: 0, repeated: 0, errors: new Map(), durations: new Map() };
      current.set(name, counts);
    }
    counts.calls += 1;
    counts.rows += rows;
    counts.totalMs += durationMs;
    if (nth > 10) counts.repeated += 1;
    addTo(counts.durations, bucketOf(durationMs));
    if (error !== undefined) {
      const code = sqlStateOf(error) ?? "connection";
      counts.errors.set(code, (counts.errors.get(code) ?? 0) + 1);
    } else if (params !== undefined) {
      const call = { name, text, params, durationMs };
      lastCalls.set(name, call);
      onCall(call);
    }
  }

  queryEvents.subscribe(count);
  return {
    take() {
      const taken = current;
      current = new Map();
      return taken;
    },
    lastCalls,
    [Symbol.dispose]: () => {
      queryEvents.unsubscribe(count);
    },
  };
}
