import { UnreachableError } from "@millrace/runtime";
import pg from "pg";
import type { LongRead } from "./batches.ts";
import { type ConnectionState, type Db, dbOnClient } from "./db.ts";
import { type PoolEvent, poolEvents } from "./query-events.ts";
import type { Statement } from "./statement.ts";

/** How to reach PostgreSQL. Times are in milliseconds. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly maxConnections?: number;
  readonly minConnections?: number;
  readonly idleTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** The client gives up on a statement after this long … */
  readonly queryTimeoutMs?: number;
  /** … and the server cancels it after this long. 0 turns it off. */
  readonly statementTimeoutMs?: number;
  /** Told of errors on idle connections; the pool replaces them by itself. */
  readonly onIdleError?: (error: Error) => void;
}

export interface Postgres extends Db, AsyncDisposable {
  /** Lends one connection outside any transaction, for statements that refuse to run inside one. */
  withConnection<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /** Connections in the pool: the most that there may be, all, idle, and callers waiting for one. */
  poolCounts(): { max: number; total: number; idle: number; waiting: number };
}

/**
 * Opens a pool and proves that the server answers. Rejects with an `UnreachableError` otherwise.
 * Disposing waits for borrowed connections to come back.
 */
export async function connectPostgres(options: PostgresOptions): Promise<Postgres> {
  const pool = createPool(options);
  try {
    await pool.query("SELECT 1");
  } catch (error) {
    await pool.end();
    throw new UnreachableError("PostgreSQL", options.url, error);
  }
  return postgresOnPool(pool, options);
}

/** Opens a pool without asking whether the server is there: each statement finds out. */
export function openPostgres(options: PostgresOptions): Postgres {
  return postgresOnPool(createPool(options), options);
}

function createPool(options: PostgresOptions): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 10_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections ?? 50,
    min: options.minConnections ?? 5,
    idleTimeoutMillis: options.idleTimeoutMs ?? 10_000,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 1_000,
    query_timeout: options.queryTimeoutMs ?? 5_000,
    // A pooler refuses connections that ask for settings.
    ...(statementTimeoutMs > 0 && { statement_timeout: statementTimeoutMs }),
  });
  pool.on("error", (error) => options.onIdleError?.(error));
  return pool;
}

/** A connection of the pool; publishes how long that took and how busy the pool was. */
async function observedWait(pool: pg.Pool): Promise<pg.PoolClient> {
  if (!poolEvents.hasSubscribers) return await pool.connect();
  const askedAt = performance.now();
  const saturation = pool.waitingCount / pool.options.max;
  const publish = (hasConnection: boolean): void => {
    const utilisation = (pool.totalCount - pool.idleCount) / pool.options.max;
    const name = pool.options.application_name ?? "";
    const event: PoolEvent = {
      pool: name,
      waitMs: performance.now() - askedAt,
      utilisation,
      saturation,
      hasConnection,
    };
    poolEvents.publish(event);
  };
  try {
    const client = await pool.connect();
    publish(true);
    return client;
  } catch (error) {
    publish(false);
    throw error;
  }
}

function postgresOnPool(pool: pg.Pool, { applicationName }: PostgresOptions): Postgres {
  const cancel = (processId: number): void => {
    // It may be too late or the server away; the read has its time-out all the same.
    pool.query("SELECT pg_cancel_backend($1)", [processId]).catch(() => {});
  };
  const borrow = async () => {
    const client = await observedWait(pool);
    const state: ConnectionState = { isLost: false };
    // While a connection is borrowed the pool does not listen for its errors; the query under way
    // rejects with them too, so all that is left to do is not to return the connection.
    const remember = (): void => {
      state.isLost = true;
    };
    client.on("error", remember);
    const giveBack = ({ isUsable }: { isUsable: boolean }): void => {
      client.off("error", remember);
      client.release(state.isLost || !isUsable);
    };
    return { db: dbOnClient(client, { cancel, state, applicationName }), giveBack };
  };
  const withConnection = async <T>(work: (db: Db) => Promise<T>): Promise<T> => {
    const { db, giveBack } = await borrow();
    try {
      return await work(db);
    } finally {
      giveBack({ isUsable: true });
    }
  };
  return {
    withConnection,
    rows: (statement, params) => withConnection((db) => db.rows(statement, params)),
    run: (statement, params) => withConnection((db) => db.run(statement, params)),
    copyIn: (statement, data) => withConnection((db) => db.copyIn(statement, data)),
    transaction: (work) => withConnection((db) => db.transaction(work)),
    async *batches<Params extends readonly unknown[], Row>(
      statement: Statement<Params, Row>,
      params: Params,
      batchRows: number,
      long?: LongRead,
    ) {
      const { db, giveBack } = await borrow();
      let isWhole = false;
      try {
        yield* db.batches(statement, params, batchRows, long);
        isWhole = true;
      } finally {
        // A connection that was left early, or whose backend may yet be cancelled, is not worth keeping.
        giveBack({ isUsable: isWhole && long?.signal?.aborted !== true });
      }
    },
    poolCounts: () => ({
      max: pool.options.max,
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
