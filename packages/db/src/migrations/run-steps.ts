import { checksumOf } from "./checksum.ts";
import { concurrentIndexOf, dropIndex, indexState } from "./concurrent-index.ts";
import { type LedgerEntry, recordStepBegun, recordStepDone } from "./ledger.ts";
import { serverStateOf, withLockRetries } from "./lock-retries.ts";
import { MigrationError } from "./migration-error.ts";
import type { Migration, Script } from "./migration-files.ts";
import type { MigrationSession } from "./migration-session.ts";
import { runStatement, withSessionTimeouts } from "./run-script.ts";
import { type SqlStatement, splitStatements } from "./split-statements.ts";

const undefinedObject = "42704";

/** PostgreSQL refuses some statements in a transaction, and some procedures end it themselves. */
const wantsNoTransaction: readonly (string | undefined)[] = ["25001", "2D000"];

interface Step {
  readonly script: Script;
  readonly statement: SqlStatement;
  /** What a run that was killed had begun when it was last heard of; only at the first step of a run. */
  readonly begunBefore: string | null;
}

/**
 * Runs the statements of a script one by one, each on its own, and records each in the ledger, so
 * that a later run goes on after the last one done.
 *
 * A statement that PostgreSQL lets run in a transaction commits together with its record: it is done
 * exactly once. The others (CONCURRENTLY, VACUUM) may be run a second time after a crash; what a
 * killed CREATE INDEX CONCURRENTLY left is dropped before, and an index that it finished all the same
 * is kept.
 */
export async function runSteps(
  session: MigrationSession,
  migration: Migration,
  script: Script,
  entry: LedgerEntry | undefined,
): Promise<void> {
  const done = entry?.stepsDone ?? [];
  checkDoneSteps(script, done);
  let begunBefore = entry?.stepBegun ?? null;
  await withSessionTimeouts(session, async () => {
    for (const statement of script.statements.slice(done.length)) {
      const place = `${script.fileName}, line ${statement.line}`;
      const step = { script, statement, begunBefore };
      await withLockRetries(session, place, (attempt) => runStep(session, migration, step, attempt > 1));
      begunBefore = null;
      session.log(`${place}: done`);
    }
  });
}

/** The statements not yet done may be corrected, those done may not. */
function checkDoneSteps({ fileName, statements }: Script, done: readonly string[]): void {
  const edited = done.findIndex((checksum, index) => checksum !== checksumOf(statements[index]?.text ?? ""));
  if (edited < 0) return;
  const now = statements[edited];
  throw new MigrationError(
    "EDITED",
    `${fileName}: statement ${edited + 1} is done already and was edited since.\n  applied: ${done[edited]}\n` +
      `  now:     ${now === undefined ? "(gone)" : checksumOf(now.text)}\n` +
      "Put its text back; only the statements after it may still be changed.",
  );
}

async function runStep(session: MigrationSession, migration: Migration, step: Step, isRetry: boolean): Promise<void> {
  const { db } = session;
  const { script, statement, begunBefore } = step;
  const before = isRetry ? statement.text : begunBefore;
  const isThere = before === null ? await isThereBefore(session, step) : await clearUp(session, before, statement);
  if (isThere) {
    await recordStepDone(db, migration, checksumOf(statement.text));
    return;
  }
  if (!/\bconcurrently\b/i.test(statement.code) && (await runWithRecord(session, migration, step))) return;
  await recordStepBegun(db, migration, statement.text);
  await runStatement(db, script, statement).catch((error: unknown) => {
    // A DROP that was killed after it had dropped: there is nothing left to do.
    const wasDropped = before === statement.text && /^drop\s+index\s+concurrently\b/i.test(statement.code);
    if (!wasDropped || serverStateOf(error) !== undefinedObject) throw error;
  });
  await recordStepDone(db, migration, checksumOf(statement.text));
}

/** Runs a statement and its record in one transaction; false when PostgreSQL refuses that. */
async function runWithRecord({ db }: MigrationSession, migration: Migration, step: Step): Promise<boolean> {
  try {
    await db.transaction(async (tx) => {
      await recordStepBegun(tx, migration, step.statement.text);
      await runStatement(tx, step.script, step.statement);
      await recordStepDone(tx, migration, checksumOf(step.statement.text));
    });
    return true;
  } catch (error) {
    if (wantsNoTransaction.includes(serverStateOf(error))) return false;
    throw error;
  }
}

/**
 * Looks after what a killed CREATE INDEX CONCURRENTLY left. True when the server finished the very
 * index that is wanted after its runner was gone.
 */
async function clearUp({ db, log }: MigrationSession, begunText: string, wanted: SqlStatement): Promise<boolean> {
  const [begun] = splitStatements(begunText);
  const index = begun && concurrentIndexOf(begun.code);
  if (index === undefined) return false;
  const state = await indexState(db, index);
  if (state === "absent") return false;
  if (state === "valid" && begunText === wanted.text) return true;
  log(`dropping ${index.name}, which an interrupted CREATE INDEX CONCURRENTLY left behind`);
  await dropIndex(db, index);
  return false;
}

/**
 * True when IF NOT EXISTS finds its index. Any other index of that name is somebody else's, and must
 * not be taken for ours after a crash; IF NOT EXISTS would even skip an invalid one, which serves no
 * query.
 */
async function isThereBefore({ db }: MigrationSession, { script, statement }: Step): Promise<boolean> {
  const index = concurrentIndexOf(statement.code);
  const state = index === undefined ? "absent" : await indexState(db, index);
  if (index === undefined || state === "absent") return false;
  if (state === "valid" && index.ifNotExists) return true;
  throw new MigrationError(
    "INDEX_EXISTS",
    `${script.fileName}, line ${statement.line}: there is already ${state === "valid" ? "an" : "an invalid"} index ` +
      `${index.name}, not made by this migration. Drop it (DROP INDEX CONCURRENTLY) or choose another name.`,
  );
}
