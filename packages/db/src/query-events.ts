import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";

/** What is published on `millrace:query` after each statement, whether it succeeded or not. */
export interface QueryEvent {
  readonly name: string;
  readonly text: string;
  /** Its values, for whoever wants to explain it; not to be logged. `undefined` where there is nothing to explain. */
  readonly params: readonly unknown[] | undefined;
  /** The how manieth call of this statement in its request it was; 1 outside of one. */
  readonly nth: number;
  readonly durationMs: number;
  /** Rows returned or affected; 0 on failure. */
  readonly rows: number;
  readonly error?: unknown;
}

/** What is published on `millrace:pool` after each wait for a connection, also one that was in vain. */
export interface PoolEvent {
  /** The name that its connections have in pg_stat_activity. */
  readonly pool: string;
  readonly waitMs: number;
  /** Connections that are borrowed then, this one among them, as a share of the most that there may be. */
  readonly utilisation: number;
  /** Callers that waited already when this one came, as a share of the most connections that there may be. */
  readonly saturation: number;
  /** Whether it got one before the time-out. */
  readonly hasConnection: boolean;
}

/** What is published on `millrace:commit` after each COMMIT that was asked for, whether it succeeded or not. */
export interface CommitEvent {
  readonly durationMs: number;
  readonly error?: unknown;
}

export const commitEvents = channel("millrace:commit");

export const poolEvents = channel("millrace:pool");

export const queryEvents = channel("millrace:query");

/** Statements of one request by name, with how often each was called in it. */
const requests = new AsyncLocalStorage<Map<string, number>>();

/** Counts together what is called within `work`, so that a list that is read row by row can be told. */
export function countedTogether<T>(work: () => T): T {
  return requests.run(new Map(), work);
}

function nthCallOf(name: string): number {
  const calls = requests.getStore();
  if (calls === undefined) return 1;
  const nth = (calls.get(name) ?? 0) + 1;
  calls.set(name, nth);
  return nth;
}

/** Runs `work` and publishes how it went under the statement's name. Costs nothing without subscribers. */
export async function observed<T>(
  { name, text }: { readonly name: string; readonly text: string },
  params: readonly unknown[] | undefined,
  rowsOf: (result: T) => number,
  work: () => Promise<T>,
): Promise<T> {
  if (!queryEvents.hasSubscribers) return await work();
  const nth = nthCallOf(name);
  const startedAt = performance.now();
  const publish = (rows: number, error?: unknown): void => {
    const event: QueryEvent = { name, text, params, nth, durationMs: performance.now() - startedAt, rows, error };
    queryEvents.publish(event);
  };
  try {
    const result = await work();
    publish(rowsOf(result));
    return result;
  } catch (error) {
    publish(0, error);
    throw error;
  }
}

/** Runs `commit` and publishes how it went. */
export async function observedCommit(commit: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  const publish = (error?: unknown): void => {
    if (!commitEvents.hasSubscribers) return;
    const event: CommitEvent = { durationMs: performance.now() - startedAt, ...(error !== undefined && { error }) };
    commitEvents.publish(event);
  };
  try {
    await commit();
    publish();
  } catch (error) {
    publish(error);
    throw error;
  }
}
