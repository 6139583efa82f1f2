import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { cursorBatches, type LongRead, longRead } from "./batches.ts";
import { observed } from "./query-events.ts";
import type { Statement } from "./statement.ts";

/**
 * What a function that runs SQL is handed: a pool or a transaction, so that the same function works
 * alone and inside a larger commit.
 */
export interface Db {
  /** Runs the statement and gives its rows. */
  rows<Params extends readonly unknown[], Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]>;
  /** Runs the statement and gives the number of rows it returned or changed. */
  run<Params extends readonly unknown[], Row>(statement: Statement<Params, Row>, params: Params): Promise<number>;
  /**
   * Gives the rows in batches of at most `batchRows` through a server-side cursor, so that a result
   * of any size needs the memory of one batch. Stopping early closes the cursor. A `long` read has
   * a time-out of its own; it needs a transaction for that and opens one where there is none.
   */
  batches<Params extends readonly unknown[], Row>(
    statement: Statement<Params, Row>,
    params: Params,
    batchRows: number,
    long?: LongRead,
  ): AsyncIterable<Row[]>;
  /** Sends `text`, in COPY's text format, into a `COPY … FROM STDIN` statement; gives the rows it stored. */
  copyIn(statement: Statement<[], never>, text: string | readonly Buffer[]): Promise<number>;
  /** Runs `work` in a transaction (a savepoint if already in one); it commits when `work` resolves. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>;
}

interface ClientOptions {
  /** How many transactions and savepoints the connection is in. */
  readonly depth?: number;
  /** Asks, on another connection, for a backend's statement to be cancelled. */
  readonly cancel?: (processId: number) => void;
}

/** A `Db` on one connection, inside a transaction or not. Connections of a pool are made into this. */
export function dbOnClient(client: pg.ClientBase, { depth = 0, cancel = () => {} }: ClientOptions = {}): Db {
  return {
    async rows<Params extends readonly unknown[], Row>({ name, text }: Statement<Params, Row>, params: Params) {
      const result = await observed(name, countOf, () => client.query({ text, values: [...params] }));
      // The row type is what the statement's author declared for its text.
      return result.rows as Row[];
    },

    async run({ name, text }, params) {
      return countOf(await observed(name, countOf, () => client.query({ text, values: [...params] })));
    },

    batches<Params extends readonly unknown[], Row>(
      statement: Statement<Params, Row>,
      params: Params,
      batchRows: number,
      long?: LongRead,
    ) {
      if (long === undefined) return cursorBatches(client, statement, params, { batchRows });
      const { timeoutMs } = long;
      return longRead(client, long, { cancel, isInTransaction: depth > 0 }, () =>
        cursorBatches(client, statement, params, { batchRows, timeoutMs }),
      );
    },

    async copyIn({ name, text }, data) {
      return await observed(
        name,
        (rows) => rows,
        async () => {
          const copy = client.query(copyFrom(text));
          await pipeline(
            Readable.from(typeof data === "string" ? [Buffer.from(data)] : data, { objectMode: false }),
            copy,
          );
          return copy.rowCount;
        },
      );
    },

    async transaction(work) {
      const [begin, commit, rollback] =
        depth === 0
          ? ["BEGIN", "COMMIT", "ROLLBACK"]
          : [`SAVEPOINT s${depth}`, `RELEASE SAVEPOINT s${depth}`, `ROLLBACK TO SAVEPOINT s${depth}`];
      await client.query(begin);
      try {
        const result = await work(dbOnClient(client, { depth: depth + 1, cancel }));
        await client.query(commit);
        return result;
      } catch (error) {
        // A connection that is already gone cannot roll back; PostgreSQL does it for us, and the
        // first error is the one worth reporting.
        await client.query(rollback).catch(() => {});
        throw error;
      }
    },
  };
}

function countOf(result: pg.QueryResult): number {
  return result.rowCount ?? 0;
}
