import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BackupError } from "./backup-error.ts";
import { type BackupRecord, pathsOf, readRecord } from "./backup-record.ts";
import { requireUnbroken, segmentAt, segmentsIn } from "./wal-segments.ts";

export interface RestoreBackupOptions {
  readonly directory: string;
  readonly id: string;
  /** Must be empty or not be there. */
  readonly into: string;
  /** Up to then; without it up to the backup's own restore point. */
  readonly toTime?: Date | undefined;
}

/**
 * Copies a backup to a folder and says there how far its server is to recover when it starts. Rejects with a
 * `BackupError` when a piece of the log is missing on the way there: a server would take that for the end.
 */
export async function restoreBackup({ directory, id, into, toTime }: RestoreBackupOptions): Promise<BackupRecord> {
  const record = await readRecord(directory, id);
  const { data, wal, archive } = pathsOf(resolve(directory), id);
  if ((await readdir(into).catch(() => [] as string[])).length > 0) throw new BackupError(`${into} is not empty`);
  const segments = await segmentsIn([wal, archive]);
  const timeline = Number.parseInt(segments[0]?.slice(0, 8) ?? "1", 16);
  const first = segmentAt(record.startLsn, timeline);
  requireUnbroken(segments, first, toTime === undefined ? segmentAt(record.restoreLsn, timeline) : undefined);
  if (toTime !== undefined && toTime.toISOString() < record.finishedAt) {
    throw new BackupError(`The backup ended at ${record.finishedAt}; for an earlier time take an earlier one`);
  }

  await mkdir(into, { recursive: true, mode: 0o700 });
  await cp(data, into, { recursive: true, preserveTimestamps: true });
  await rm(join(into, "backup_manifest"), { force: true });
  // In this file PostgreSQL knows zones by their offsets only.
  const target =
    toTime === undefined
      ? `recovery_target_name = '${record.restorePoint}'`
      : `recovery_target_time = '${toTime.toISOString().replace("Z", "+00")}'`;
  // A copy, since the account that the server will run under may not be let into the folder of backups.
  const log = join(resolve(into), "millrace_wal");
  await mkdir(log, { mode: 0o700 });
  for (const segment of segments.filter((name) => name >= first)) {
    await cp(join(wal, segment), join(log, segment)).catch(() => cp(join(archive, segment), join(log, segment)));
  }
  const settings = [
    `restore_command = ${literal(`cp ${quoted(join(log, "%f"))} ${quoted("%p")}`)}`,
    `recovery_end_command = ${literal(`rm -rf ${quoted(log)}`)}`,
    target,
    "recovery_target_action = 'promote'",
    "",
  ];
  await writeFile(join(into, "postgresql.auto.conf"), settings.join("\n"), { flag: "a" });
  await writeFile(join(into, "recovery.signal"), "");
  return record;
}

/** For a file of settings. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** For a shell. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\$`]/g, "\\$&")}"`;
}
