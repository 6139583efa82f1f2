import { setTimeout as sleep } from "node:timers/promises";
import { UnreachableError } from "@millrace/runtime";
import pg from "pg";
import { type Db, dbOnClient } from "../db.ts";
import { statement } from "../statement.ts";
import { createLedger } from "./ledger.ts";
import { MigrationError } from "./migration-error.ts";
import { restoreSettings } from "./session-settings.ts";

export interface RunnerOptions {
  /** A direct connection to the server, not through a pooler. */
  readonly url: string;
  /** Told in a line each what is being done. */
  readonly log?: (line: string) => void;
  /** How long a statement waits for a lock on a table before it is given up and tried again. */
  readonly lockTimeoutMs?: number;
  /** How often a migration, or a step outside a transaction, is tried before the run fails. */
  readonly lockAttempts?: number;
  /** How long to wait for another runner on the same database. */
  readonly runnerWaitMs?: number;
}

/** The one connection that holds the runner's lock and does its work: the lock is lost only with it. */
export interface MigrationSession {
  readonly db: Db;
  readonly log: (line: string) => void;
  readonly lockTimeoutMs: number;
  readonly lockAttempts: number;
}

/** "millrace" in ASCII. Advisory locks are per database. */
const lockKey = "7883951835720016741";

const tryLock = statement<[key: string], { isLocked: boolean }>(
  "migrations.try_lock",
  `SELECT pg_try_advisory_lock($1::bigint) AS "isLocked"`,
);

const findHolder = statement<[key: string], { pid: number; since: Date; address: string | null }>(
  "migrations.find_lock_holder",
  `SELECT a.pid, a.backend_start AS since, host(a.client_addr) AS address
     FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint`,
);

const findBackend = statement<[], { pid: number }>("migrations.find_backend", "SELECT pg_backend_pid() AS pid");

/** Lends a connection of its own; it is closed, and what was set on it gone, when `work` ends. */
export async function withDirectConnection<T>(
  url: string,
  work: (db: Db, client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "millrace-migrate",
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // The query under way rejects with the same error; without a listener it would end the process.
  client.on("error", () => {});
  await client.connect().catch((error: unknown) => {
    throw new UnreachableError("PostgreSQL", url, error);
  });
  try {
    return await work(dbOnClient(client), client);
  } finally {
    await client.end();
  }
}

/** Runs `work` as the only runner on this database, with the ledger in place. */
export async function withMigrationSession<T>(
  { url, log = () => {}, lockTimeoutMs = 2_000, lockAttempts = 6, runnerWaitMs = 300_000 }: RunnerOptions,
  work: (session: MigrationSession) => Promise<T>,
): Promise<T> {
  return await withDirectConnection(url, async (db, client) => {
    await refusePooler(client, db);
    await restoreSettings(db);
    await takeLock(db, runnerWaitMs, log);
    await createLedger(db);
    return await work({ db, log, lockTimeoutMs, lockAttempts });
  });
}

/**
 * Waits by asking again and again: a session that sleeps inside pg_advisory_lock holds a snapshot,
 * and a CREATE INDEX CONCURRENTLY of the holder would wait for that snapshot: a deadlock.
 */
async function takeLock(db: Db, waitMs: number, log: (line: string) => void): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (let tries = 0; ; tries++) {
    const [row] = await db.rows(tryLock, [lockKey]);
    if (row?.isLocked) return;
    if (tries === 0) log("waiting for another migration run on this database");
    if (performance.now() >= deadline) throw await runnerBusy(db, waitMs);
    await sleep(100 + 100 * Math.random());
  }
}

async function runnerBusy(db: Db, waitMs: number): Promise<MigrationError> {
  const [holder] = await db.rows(findHolder, [lockKey]);
  const who =
    holder && `process ${holder.pid} from ${holder.address ?? "this machine"} since ${holder.since.toISOString()}`;
  return new MigrationError(
    "RUNNER_BUSY",
    `Another migration run on this database did not end within ${waitMs} ms${who ? ` (server ${who})` : ""}. ` +
      "Wait for it and run again; if its program is gone, end it with SELECT pg_terminate_backend(pid).",
  );
}

/**
 * A pooler may run each statement on another server connection, where our lock means nothing. It
 * shows: the process number a client is told at the start is then not that of the server process.
 */
async function refusePooler(client: pg.Client, db: Db): Promise<void> {
  const [backend] = await db.rows(findBackend, []);
  if (!("processID" in client) || client.processID === backend?.pid) return;
  throw new MigrationError(
    "POOLED_CONNECTION",
    "This address leads to a connection pooler (such as PgBouncer), through which migrations cannot lock. " +
      "Set DATABASE_URL to the address of the PostgreSQL server itself for this command.",
  );
}
