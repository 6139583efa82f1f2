import { losesData } from "./data-loss.ts";
import { checkHistory } from "./history.ts";
import {
  type LedgerEntry,
  readLedger,
  recordApplied,
  recordReverted,
  recordReverting,
  recordRunning,
  recordStepsApplied,
} from "./ledger.ts";
import { MigrationError } from "./migration-error.ts";
import { idOf, type Migration, readMigrations } from "./migration-files.ts";
import { type MigrationSession, type RunnerOptions, withMigrationSession } from "./migration-session.ts";
import { runInTransaction } from "./run-script.ts";
import { runSteps } from "./run-steps.ts";

export interface MigrateUpOptions extends RunnerOptions {
  /** The folder with the files. */
  readonly directory: string;
  /** The version to stop after; the newest when left out. */
  readonly to?: number;
}

export interface MigrateDownOptions extends RunnerOptions {
  readonly directory: string;
  /** The version to go back to, which stays applied; 0 takes back all. One step when left out. */
  readonly to?: number;
  /** Says that data in what the down files drop may go. */
  readonly acceptDataLoss?: boolean;
}

/**
 * Applies the migrations that are pending, in order. Any number of processes may call it at once:
 * one works, the others wait and find nothing left to do. When it rejects, the migrations before the
 * one that failed stay applied, and the next call goes on from there, also after a crash.
 */
export async function migrateUp({ directory, to, ...runner }: MigrateUpOptions): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(directory);
  return await withMigrationSession(runner, (session) => applyUpTo(session, migrations, to));
}

/** Takes migrations back, newest first, by their down files. Goes on after a crash like `migrateUp`. */
export async function migrateDown({
  directory,
  to,
  acceptDataLoss = false,
  ...runner
}: MigrateDownOptions): Promise<{ reverted: string[] }> {
  const migrations = await readMigrations(directory);
  return await withMigrationSession(runner, (session) => revertDownTo(session, migrations, { to, acceptDataLoss }));
}

export async function applyUpTo(
  session: MigrationSession,
  migrations: readonly Migration[],
  to = migrations.length,
): Promise<{ applied: string[] }> {
  checkVersion(to, migrations);
  const ledger = await readLedger(session.db);
  checkHistory(migrations, ledger);
  const applied: string[] = [];
  for (const migration of migrations.slice(0, to)) {
    const entry = ledger.find(({ version }) => version === migration.version);
    if (entry?.state === "applied") continue;
    if (entry?.state === "reverting") throw halfReverted(entry);
    await timed(session, `${migration.id}: up`, () => applyOne(session, migration, entry));
    applied.push(migration.id);
  }
  return { applied };
}

export async function revertDownTo(
  session: MigrationSession,
  migrations: readonly Migration[],
  { to, acceptDataLoss }: { to: number | undefined; acceptDataLoss: boolean },
): Promise<{ reverted: string[] }> {
  if (to !== undefined) checkVersion(to, migrations);
  const ledger = await readLedger(session.db);
  checkHistory(migrations, ledger);
  const lowest = to ?? (ledger.at(-1)?.version ?? 0) - 1;
  const chosen = migrations.filter(({ version }) => version > lowest).reverse();
  const steps = chosen.flatMap((migration) => {
    const entry = ledger.find(({ version }) => version === migration.version);
    return entry === undefined ? [] : [{ migration, entry }];
  });
  for (const { migration, entry } of steps) checkRevertible(migration, entry, acceptDataLoss);
  for (const { migration, entry } of steps) {
    await timed(session, `${migration.id}: down`, () => revertOne(session, migration, entry));
  }
  return { reverted: steps.map(({ migration }) => migration.id) };
}

async function applyOne(
  session: MigrationSession,
  migration: Migration,
  entry: LedgerEntry | undefined,
): Promise<void> {
  if (migration.up.inTransaction && entry === undefined) {
    await runInTransaction(session, migration.up, (tx, attempt) => recordApplied(tx, migration, attempt));
    return;
  }
  await recordRunning(session.db, migration);
  await runSteps(session, migration, migration.up, entry);
  await recordStepsApplied(session.db, migration);
}

async function revertOne(session: MigrationSession, migration: Migration, entry: LedgerEntry): Promise<void> {
  if (migration.down.inTransaction && entry.state === "applied") {
    await runInTransaction(session, migration.down, (tx) => recordReverted(tx, migration));
    return;
  }
  await recordReverting(session.db, migration);
  await runSteps(session, migration, migration.down, entry.state === "reverting" ? entry : undefined);
  await recordReverted(session.db, migration);
}

async function timed({ log }: MigrationSession, what: string, work: () => Promise<void>): Promise<void> {
  log(`${what} …`);
  const startedAt = performance.now();
  await work();
  log(`${what} took ${Math.round(performance.now() - startedAt)} ms`);
}

function checkVersion(to: number, migrations: readonly Migration[]): void {
  if (Number.isInteger(to) && to >= 0 && to <= migrations.length) return;
  throw new MigrationError(
    "UNKNOWN_VERSION",
    `There is no version ${to}: give a number from 0 to ${migrations.length}`,
  );
}

function checkRevertible({ id, down }: Migration, entry: LedgerEntry, acceptDataLoss: boolean): void {
  if (entry.state === "running") {
    throw new MigrationError(
      "HALF_APPLIED",
      `${id} is applied only in part. Finish it first (migrate up), then take it back.`,
    );
  }
  if (down.isIrreversible) {
    throw new MigrationError(
      "IRREVERSIBLE",
      `${id} cannot be taken back: ${down.fileName} says so. Nothing was changed. Restore a backup, or go on with a new migration.`,
    );
  }
  const losing = acceptDataLoss ? undefined : down.statements.find(losesData);
  if (losing === undefined) return;
  throw new MigrationError(
    "DATA_LOSS",
    `${down.fileName}, line ${losing.line} would delete data: ${losing.code.replace(/\s+/g, " ").slice(0, 100)}\n` +
      "Nothing was changed. If that data may go, say so with --accept-data-loss.",
  );
}

function halfReverted({ version, name }: LedgerEntry): MigrationError {
  return new MigrationError(
    "HALF_REVERTED",
    `${idOf(version, name)} is taken back only in part. Finish that first: migrate down --to ${version - 1}`,
  );
}
