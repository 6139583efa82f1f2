import type pg from "pg";
import Cursor from "pg-cursor";
import { observed } from "./query-events.ts";
import type { Statement } from "./statement.ts";

/** For a read that may last longer than the pool's time-outs allow. */
export interface LongRead {
  /** For the whole read, from its first row to its last, however slowly the reader takes them. */
  readonly timeoutMs: number;
  /** Ends the read, also in the middle of a batch that the server is still looking for. */
  readonly signal?: AbortSignal;
}

/** What `pg` looks for on a query that it is given, and what it puts there while the query has a time-out. */
type TimedQuery = { query_timeout?: number; callback?: () => void };

/**
 * The rows of one cursor, batch by batch. Its connection is in a state to be used again when this ends,
 * unless the connection itself was lost.
 */
export async function* cursorBatches<Params extends readonly unknown[], Row>(
  client: pg.ClientBase,
  statement: Statement<Params, Row>,
  params: Params,
  { batchRows, timeoutMs, text }: { batchRows: number; timeoutMs?: number; text: string },
): AsyncGenerator<Row[]> {
  const cursor: Cursor<Row> & TimedQuery = new Cursor<Row>(text, [...params]);
  // The server's own time-out comes first; this one is for a server that no longer answers.
  if (timeoutMs !== undefined) cursor.query_timeout = timeoutMs + 1_000;
  client.query(cursor);
  const connection = watch(client);
  try {
    while (true) {
      const batch = await observed(
        statement,
        undefined,
        (rows) => rows.length,
        () => connection.whileThere(cursor.read(batchRows)),
      );
      if (batch.length > 0) yield batch;
      if (batch.length < batchRows) return;
    }
  } finally {
    // Nobody else tells pg that a cursor's time is no longer to be watched.
    cursor.callback?.();
    await connection.whileThere(cursor.close()).catch(() => {});
    connection.unwatch();
  }
}

/** A cursor that waits for a word of its server waits for ever if the connection is lost at the wrong moment. */
function watch(client: pg.ClientBase) {
  let isLost = false;
  let fail = (): void => {};
  const end = (): void => {
    isLost = true;
    fail();
  };
  client.once("end", end);
  return {
    /** The outcome of `work`, or a rejection once the connection is lost. One at a time. */
    whileThere: <T>(work: Promise<T>): Promise<T> =>
      // Promise.race with a promise that lives as long as the connection would keep every outcome alive as well.
      new Promise<T>((resolve, reject) => {
        fail = () => reject(new Error("Connection terminated unexpectedly"));
        work.then(resolve, reject);
        if (isLost) fail();
      }),
    unwatch: () => client.off("end", end),
  };
}

/**
 * Runs `read` in a transaction with time-outs of its own, for settings of a transaction are all that a
 * pooler keeps. A result that is fetched in parts gets no parallel workers, so that a plan must not count
 * on them either. `cancel` is handed the backend's process id when the signal is raised.
 */
export async function* longRead<Row>(
  client: pg.ClientBase,
  { timeoutMs, signal }: LongRead,
  { cancel, isInTransaction }: { cancel: (processId: number) => void; isInTransaction: boolean },
  read: () => AsyncIterable<Row[]>,
): AsyncGenerator<Row[]> {
  signal?.throwIfAborted();
  if (!isInTransaction) await client.query("BEGIN READ ONLY");
  try {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pg_backend_pid() AS pid,
              set_config('statement_timeout', $1, true),
              set_config('idle_in_transaction_session_timeout', $1, true),
              set_config('max_parallel_workers_per_gather', '0', true)`,
      [String(timeoutMs)],
    );
    const stop = (): void => cancel(rows[0]?.pid ?? 0);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", stop);
    try {
      yield* read();
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  } finally {
    // It only read, so that there is nothing to lose; a lost connection has ended it already.
    if (!isInTransaction) await client.query("COMMIT").catch(() => {});
  }
}
