import { type DrillResult, drillBackup as drill } from "@millrace/backup";
import type { Run } from "@millrace/upkeep";

export interface DrillBackupNeeds {
  /** Where backups are; without it there is nothing to drill. */
  readonly directory: string | undefined;
  readonly bin: string | undefined;
  readonly searchPath: string;
  /** Told how it went, also when it went well: one wants to know how long a recovery takes before one needs to. */
  readonly onResult: (result: DrillResult) => void;
}

/** Restores the newest backup to a server for the moment, and fails unless everything is as it was. */
export function drillBackup({ directory, onResult, ...tools }: DrillBackupNeeds) {
  return async (run: Run): Promise<void> => {
    if (directory === undefined) return;
    await run.giveWay();
    const result = await drill({ ...tools, directory, signal: run.signal });
    onResult(result);
    run.changed("rto_ms", result.rtoMs);
    run.changed("rpo_ms", result.rpoMs);
    const failed = result.checks.filter(({ isOk }) => !isOk);
    if (failed.length > 0) {
      throw new Error(`${result.backupId}: ${failed.map(({ name, detail }) => `${name}: ${detail}`).join("; ")}`);
    }
  };
}
