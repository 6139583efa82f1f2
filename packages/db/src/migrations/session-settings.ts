import type { Db } from "../db.ts";
import { statement } from "../statement.ts";

/** The server's or the role's statement time-out is meant for requests, not for migrations. */
const setTimeouts = statement<[lockTimeout: string, isLocal: boolean]>(
  "migrations.set_timeouts",
  "SELECT set_config('lock_timeout', $1, $2), set_config('statement_timeout', '0', $2)",
);

const resetAll = statement("migrations.reset_settings", "RESET ALL");

const watchClient = statement(
  "migrations.watch_client",
  "SELECT set_config('client_connection_check_interval', '2s', false)",
);

/** Sets the runner's time-outs until the end of this transaction. */
export async function setLocalTimeouts(tx: Db, lockTimeoutMs: number): Promise<void> {
  await tx.run(setTimeouts, [`${lockTimeoutMs}ms`, true]);
}

/** Sets the runner's time-outs until `restoreSettings`, for statements outside a transaction. */
export async function setSessionTimeouts(db: Db, lockTimeoutMs: number): Promise<void> {
  await db.run(setTimeouts, [`${lockTimeoutMs}ms`, false]);
}

/**
 * Undoes what the runner and the migrations have SET. Also has the server look every two seconds
 * whether the runner is still there: when it was killed, its locks are given back and the statement
 * under way is ended. Not every platform can; there the server notices at the end of the statement.
 */
export async function restoreSettings(db: Db): Promise<void> {
  await db.run(resetAll, []);
  await db.run(watchClient, []).catch(() => {});
}
