import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { cursorBatches, type LongRead, longRead } from "./batches.ts";
import { observed, observedCommit } from "./query-events.ts";
import { signatureOf, signed } from "./signature.ts";
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

/** What the borrower of a connection must know when giving it back. */
export interface ConnectionState {
  /**
   * A statement ended otherwise than by an answer of PostgreSQL, such as by its time-out. Nobody can tell what the
   * backend still does and whether it is in a transaction, so nothing may be sent on this connection any more.
   */
  isLost: boolean;
}

interface ClientOptions {
  /** What the connection is called in pg_stat_activity while nothing else is said. */
  readonly applicationName?: string;
  readonly state?: ConnectionState;
  /** How many transactions and savepoints the connection is in. */
  readonly depth?: number;
  /** Asks, on another connection, for a backend's statement to be cancelled. */
  readonly cancel?: (processId: number) => void;
}

/** A COPY expects no rows, and has no use for those that come before it. */
const whatSignatureGives = { handleRowDescription: () => {}, handleDataRow: () => {} };

/** A `Db` on one connection, inside a transaction or not. Connections of a pool are made into this. */
export function dbOnClient(client: pg.ClientBase, options: ClientOptions = {}): Db {
  const { depth = 0, cancel = () => {}, state = { isLost: false }, applicationName = "millrace" } = options;
  /** A transaction says on whose behalf it is when it begins. */
  const textOf = ({ text }: { readonly text: string }): string => (depth > 0 ? text : signed(text));
  const judge = (error: unknown): never => {
    if (!(error instanceof pg.DatabaseError)) state.isLost = true;
    throw error;
  };
  const watched = <T>(work: () => Promise<T>): Promise<T> => work().catch(judge);
  async function* watchedBatches<Row>(read: AsyncIterable<Row[]>): AsyncGenerator<Row[]> {
    try {
      yield* read;
    } catch (error) {
      judge(error);
    }
  }
  return {
    async rows<Params extends readonly unknown[], Row>(statement: Statement<Params, Row>, params: Params) {
      const query = () => watched(() => client.query({ text: textOf(statement), values: [...params] }));
      const result = await observed(statement, params, countOf, query);
      // The row type is what the statement's author declared for its text.
      return result.rows as Row[];
    },

    async run(statement, params) {
      const query = () => watched(() => client.query({ text: textOf(statement), values: [...params] }));
      return countOf(await observed(statement, params, countOf, query));
    },

    batches<Params extends readonly unknown[], Row>(
      statement: Statement<Params, Row>,
      params: Params,
      batchRows: number,
      long?: LongRead,
    ) {
      const text = textOf(statement);
      if (long === undefined) return watchedBatches(cursorBatches(client, statement, params, { batchRows, text }));
      const { timeoutMs } = long;
      return watchedBatches(
        longRead(client, long, { cancel, isInTransaction: depth > 0 }, () =>
          cursorBatches(client, statement, params, { batchRows, timeoutMs, text }),
        ),
      );
    },

    async copyIn(statement, data) {
      const copyAll = async (): Promise<number> => {
        const signature = depth > 0 ? "" : signatureOf(applicationName);
        const copy = client.query(Object.assign(copyFrom(signature + statement.text), whatSignatureGives));
        const rows = typeof data === "string" ? [Buffer.from(data)] : data;
        await pipeline(Readable.from(rows, { objectMode: false }), copy);
        return copy.rowCount;
      };
      return await observed(
        statement,
        undefined,
        (rows) => rows,
        () => watched(copyAll),
      );
    },

    async transaction(work) {
      const [begin, commit, rollback] =
        depth === 0
          ? [beginOf(applicationName), "COMMIT", "ROLLBACK"]
          : [`SAVEPOINT s${depth}`, `RELEASE SAVEPOINT s${depth}`, `ROLLBACK TO SAVEPOINT s${depth}`];
      await watched(() => client.query(begin));
      try {
        const result = await work(dbOnClient(client, { depth: depth + 1, cancel, state, applicationName }));
        const finish = () => watched(() => client.query(commit));
        await (depth === 0 ? observedCommit(finish) : finish());
        return result;
      } catch (error) {
        // The first error is the one worth reporting. A connection that is lost is closed by its borrower, which
        // makes PostgreSQL roll back.
        if (!state.isLost) await watched(() => client.query(rollback)).catch(() => {});
        throw error;
      }
    },
  };
}

function beginOf(applicationName: string): string {
  const signature = signatureOf(applicationName);
  return signature === "" ? "BEGIN" : `BEGIN; ${signature}`;
}

function countOf(result: pg.QueryResult): number {
  return result.rowCount ?? 0;
}
