import { integer, postgresUrl } from "./config.ts";

/** How an app reaches PostgreSQL, for both of them. */
export const databaseVariables = {
  DATABASE_URL: postgresUrl.describe("PostgreSQL"),
  DATABASE_POOL_MAX: integer({ min: 2, max: 1_000 }).default(50).describe("most connections to PostgreSQL"),
  DATABASE_POOL_MIN: integer({ max: 1_000 }).default(5).describe("connections kept open while idle"),
  DATABASE_IDLE_TIMEOUT_MS: integer({ min: 100 }).default(10_000).describe("further ones are closed after being idle"),
  DATABASE_CONNECT_TIMEOUT_MS: integer({ min: 10 }).default(1_000).describe("longest wait for a connection"),
  DATABASE_QUERY_TIMEOUT_MS: integer({ min: 10 })
    .default(5_000)
    .describe("the client gives up on a statement after this"),
  DATABASE_STATEMENT_TIMEOUT_MS: integer()
    .default(10_000)
    .describe("the server cancels a statement after this; 0: do not ask it to, as PgBouncer needs"),
  DATABASE_SLOW_MS: integer({ min: 1 }).default(50).describe("slower statements are looked at with their plan"),
};

interface ReadDatabaseVariables {
  readonly DATABASE_URL: string;
  readonly DATABASE_POOL_MAX: number;
  readonly DATABASE_POOL_MIN: number;
  readonly DATABASE_IDLE_TIMEOUT_MS: number;
  readonly DATABASE_CONNECT_TIMEOUT_MS: number;
  readonly DATABASE_QUERY_TIMEOUT_MS: number;
  readonly DATABASE_STATEMENT_TIMEOUT_MS: number;
}

/** What the pool of these variables is opened with. */
export function poolOptionsOf(read: ReadDatabaseVariables) {
  return {
    url: read.DATABASE_URL,
    maxConnections: read.DATABASE_POOL_MAX,
    minConnections: Math.min(read.DATABASE_POOL_MIN, read.DATABASE_POOL_MAX),
    idleTimeoutMs: read.DATABASE_IDLE_TIMEOUT_MS,
    connectTimeoutMs: read.DATABASE_CONNECT_TIMEOUT_MS,
    queryTimeoutMs: read.DATABASE_QUERY_TIMEOUT_MS,
    statementTimeoutMs: read.DATABASE_STATEMENT_TIMEOUT_MS,
  };
}
