import { isUnedited } from "./history.ts";
import { type LedgerEntry, type LedgerState, readLedger } from "./ledger.ts";
import { idOf, type Migration, readMigrations } from "./migration-files.ts";
import { withDirectConnection } from "./migration-session.ts";

export interface MigrationStatus {
  readonly version: number;
  readonly id: string;
  /** `missing`: in the database's ledger, but its files are not in the folder. */
  readonly state: LedgerState | "pending" | "missing";
  readonly appliedAt: Date | null;
  readonly durationMs: number | null;
  /** Whether the files are what was applied; null when there is nothing to compare. */
  readonly isUnedited: boolean | null;
}

/** Compares the folder with the database, newest last. Changes nothing, takes no lock, refuses nothing. */
export async function migrationStatus({
  url,
  directory,
}: {
  url: string;
  directory: string;
}): Promise<MigrationStatus[]> {
  const migrations = await readMigrations(directory);
  const ledger = await withDirectConnection(url, readLedger);
  const known = migrations.map((migration) =>
    statusOf(
      migration,
      ledger.find(({ version, name }) => version === migration.version && name === migration.name),
    ),
  );
  const ids = new Set(known.map(({ id }) => id));
  const missing = ledger.filter(({ version, name }) => !ids.has(idOf(version, name))).map(missingStatusOf);
  return [...known, ...missing].sort((a, b) => a.version - b.version);
}

/** True when nothing is pending, half done, edited or missing. */
export function isUpToDate(statuses: readonly MigrationStatus[]): boolean {
  return statuses.every(({ state, isUnedited }) => state === "applied" && isUnedited === true);
}

function statusOf(migration: Migration, entry: LedgerEntry | undefined): MigrationStatus {
  const { version, id } = migration;
  if (entry === undefined) {
    return { version, id, state: "pending", appliedAt: null, durationMs: null, isUnedited: null };
  }
  const { state, finishedAt, durationMs } = entry;
  return { version, id, state, appliedAt: finishedAt, durationMs, isUnedited: isUnedited(migration, entry) };
}

function missingStatusOf({ version, name, finishedAt, durationMs }: LedgerEntry): MigrationStatus {
  const id = idOf(version, name);
  return { version, id, state: "missing", appliedAt: finishedAt, durationMs, isUnedited: null };
}
