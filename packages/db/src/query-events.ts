import { channel } from "node:diagnostics_channel";

/** What is published on `millrace:query` after each statement, whether it succeeded or not. */
export interface QueryEvent {
  readonly name: string;
  readonly durationMs: number;
  /** Rows returned or affected; 0 on failure. */
  readonly rows: number;
  readonly error?: unknown;
}

/** What is published on `millrace:pool` after each wait for a connection. */
export interface PoolEvent {
  readonly waitMs: number;
  /** Connections that are borrowed then, this one among them, as a share of the most that there may be. */
  readonly utilisation: number;
}

export const poolEvents = channel("millrace:pool");

export const queryEvents = channel("millrace:query");

/** Runs `work` and publishes how it went under the statement's name. Costs nothing without subscribers. */
export async function observed<T>(name: string, rowsOf: (result: T) => number, work: () => Promise<T>): Promise<T> {
  if (!queryEvents.hasSubscribers) return await work();
  const startedAt = performance.now();
  try {
    const result = await work();
    const event: QueryEvent = { name, durationMs: performance.now() - startedAt, rows: rowsOf(result) };
    queryEvents.publish(event);
    return result;
  } catch (error) {
    const event: QueryEvent = { name, durationMs: performance.now() - startedAt, rows: 0, error };
    queryEvents.publish(event);
    throw error;
  }
}
