import { type DrillResult, drillBackup as drill, failuresOf, tellOfBackups } from "@millrace/backup";
import type { Db } from "@millrace/db";
import type { Run } from "@millrace/upkeep";

interface Folder {
  readonly db: Db;
  /** Where backups are; without it there is nothing to look at. */
  readonly directory: string | undefined;
}

export interface DrillBackupNeeds extends Folder {
  readonly bin: string | undefined;
  readonly searchPath: string;
  /** Told how it went, also when it went well: one wants to know how long a recovery takes before one needs to. */
  readonly onResult: (result: DrillResult) => void;
}

/** Notes which backups there are; GET /database/backups tells. */
export function lookAtBackups({ db, directory }: Folder) {
  return async (run: Run): Promise<void> => {
    if (directory !== undefined) run.changed("backups", await tellOfBackups(db, directory));
  };
}

/** Restores the newest backup to a server for the moment, and fails unless everything is as it was. */
export function drillBackup({ db, directory, onResult, ...tools }: DrillBackupNeeds) {
  return async (run: Run): Promise<void> => {
    // Seen in its record, so that a run that had nothing to try is not taken for one that found all well.
    if (directory === undefined) return run.changed("without_backup_dir");
    await run.giveWay();
    const result = await drill({ ...tools, directory, signal: run.signal });
    onResult(result);
    await tellOfBackups(db, directory);
    if (result.rtoMs !== null) run.changed("rto_ms", result.rtoMs);
    if (result.rpoMs !== null) run.changed("rpo_ms", result.rpoMs);
    const failures = failuresOf(result);
    if (failures !== undefined) throw new Error(`${result.backupId}: ${failures}`);
  };
}
