import type { LedgerEntry } from "./ledger.ts";
import { MigrationError } from "./migration-error.ts";
import { idOf, type Migration } from "./migration-files.ts";

/**
 * Refuses when the database was migrated by other files than these: an applied file that was edited
 * since, is gone, or a new file that comes before one that is applied.
 */
export function checkHistory(migrations: readonly Migration[], ledger: readonly LedgerEntry[]): void {
  for (const entry of ledger) {
    const migration = migrations.find(({ version }) => version === entry.version);
    if (migration === undefined || migration.name !== entry.name) throw missing(entry, migration);
    if (entry.state === "applied") checkUnedited(migration, entry);
  }
  const newest = ledger.at(-1);
  const late = migrations.find(({ version }) => version < (newest?.version ?? 0) && !isRecorded(version, ledger));
  if (newest !== undefined && late !== undefined) throw outOfOrder(late, newest);
}

/** True when neither file changed since the migration was applied. */
export function isUnedited({ up, down }: Migration, entry: LedgerEntry): boolean {
  return up.checksum === entry.upChecksum && down.checksum === entry.downChecksum;
}

function isRecorded(version: number, ledger: readonly LedgerEntry[]): boolean {
  return ledger.some((entry) => entry.version === version);
}

function checkUnedited({ up, down }: Migration, entry: LedgerEntry): void {
  const pairs = [
    [up, entry.upChecksum],
    [down, entry.downChecksum],
  ] as const;
  for (const [{ fileName, checksum }, recorded] of pairs) {
    if (checksum === recorded) continue;
    throw new MigrationError(
      "EDITED",
      `${fileName} was edited after it was applied.\n  applied: ${recorded}\n  now:     ${checksum}\n` +
        "Put the applied text back, and make the change in a new migration (migrate new NAME).",
    );
  }
}

function missing(entry: LedgerEntry, instead: Migration | undefined): MigrationError {
  const found = instead === undefined ? "" : ` (there is ${instead.id} instead)`;
  return new MigrationError(
    "MISSING_FILE",
    `${idOf(entry.version, entry.name)} is applied to this database, but its files are not here${found}. ` +
      "Put them back under that name, or run the release that has them. " +
      "If two branches used the same number, give the one that is not applied yet the next free number.",
  );
}

function outOfOrder(late: Migration, newest: LedgerEntry): MigrationError {
  return new MigrationError(
    "OUT_OF_ORDER",
    `${late.id} is new, but ${idOf(newest.version, newest.name)} is already applied. ` +
      `Give it a number above ${newest.version}, or take the later ones back first (migrate down --to ${late.version - 1}).`,
  );
}
