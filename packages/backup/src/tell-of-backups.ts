import type { Db } from "@millrace/db";
import { type KnownBackup, type KnownDrill, noteFolder } from "@millrace/upkeep";
import { type BackupRecord, listBackups } from "./backup-record.ts";
import { readHistory, type Trial } from "./history.ts";

/** More than anybody reads at once; all of them stay in the folder. */
const most = 500;

/**
 * Looks which backups there are and what was tried with them, and notes it in the database, for those who cannot see
 * the folder. The folder is what counts: what a restored database has forgotten it knows again after the next look.
 * Gives how many backups there are.
 */
export async function tellOfBackups(db: Db, directory: string): Promise<number> {
  const history = await readHistory(directory);
  const backups = await listBackups(directory);
  await noteFolder(db, {
    directory,
    backups: backups
      .map((record) => knownBackup(record, history))
      .toReversed()
      .slice(0, most),
    drills: history
      .flatMap((trial) => (trial.kind === "drill" ? knownDrill(trial) : []))
      .toReversed()
      .slice(0, most),
  });
  return backups.length;
}

function knownBackup(record: BackupRecord, history: readonly Trial[]): KnownBackup {
  const last = history.findLast((trial) => trial.kind === "verify" && trial.backupId === record.id);
  return {
    id: record.id,
    started_at: record.startedAt,
    ended_at: record.finishedAt,
    restorable_from: record.consistentAt,
    bytes: record.bytes,
    server_version: record.serverVersion,
    lsn: record.pointLsn,
    tables: Object.keys(record.tables).length,
    verified_at: last?.at ?? null,
    damage: last?.kind === "verify" ? last.damage : null,
  };
}

function knownDrill({ at, backupId, isOk, rtoMs, rpoMs, error }: Trial & { readonly kind: "drill" }): KnownDrill {
  return { at, backup_id: backupId, outcome: isOk ? "sound" : "failed", rto_ms: rtoMs, rpo_ms: rpoMs, error };
}
