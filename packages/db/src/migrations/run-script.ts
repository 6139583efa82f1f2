import type { Db } from "../db.ts";
import { sqlStateOf } from "../errors.ts";
import { statement } from "../statement.ts";
import { withLockRetries } from "./lock-retries.ts";
import { MigrationError } from "./migration-error.ts";
import type { Script } from "./migration-files.ts";
import type { MigrationSession } from "./migration-session.ts";
import { restoreSettings, setLocalTimeouts, setSessionTimeouts } from "./session-settings.ts";
import type { SqlStatement } from "./split-statements.ts";

/**
 * Runs a script and `settle` in one transaction: both are kept, or neither. When a lock cannot be
 * had in time the whole is rolled back and tried again.
 */
export async function runInTransaction(
  session: MigrationSession,
  script: Script,
  settle: (tx: Db, attempt: number) => Promise<void>,
): Promise<void> {
  const { db, lockTimeoutMs } = session;
  await withLockRetries(session, script.fileName, (attempt) =>
    db.transaction(async (tx) => {
      await setLocalTimeouts(tx, lockTimeoutMs);
      for (const step of script.statements) await runStatement(tx, script, step);
      await settle(tx, attempt);
    }),
  );
  await restoreSettings(db);
}

/** Sets the time-outs for statements that run outside a transaction, for as long as `work` runs. */
export async function withSessionTimeouts(session: MigrationSession, work: () => Promise<void>): Promise<void> {
  const { db, lockTimeoutMs } = session;
  await setSessionTimeouts(db, lockTimeoutMs);
  try {
    await work();
  } finally {
    // A connection that is gone has no settings left, and the first error is the one worth reporting.
    await restoreSettings(db).catch(() => {});
  }
}

/** Runs one statement of a script; what goes wrong is told with its file and line. */
export async function runStatement(db: Db, { fileName }: Script, { text, line }: SqlStatement): Promise<void> {
  const place = `${fileName}, line ${line}`;
  try {
    await db.run(statement("migrations.step", text), []);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const state = sqlStateOf(cause);
    if (state === undefined) {
      throw new MigrationError(
        "CONNECTION_LOST",
        `${place}: the connection was lost (${said}). Run the same command again; it goes on where this one stopped.`,
        { cause },
      );
    }
    throw new MigrationError("STATEMENT_FAILED", `${place}: ${said} (SQLSTATE ${state})`, { cause });
  }
}
