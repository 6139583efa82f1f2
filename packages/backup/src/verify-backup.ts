import { pathsOf, readRecord } from "./backup-record.ts";
import { findTools } from "./tools.ts";
import { requireUnbroken, segmentAt, segmentsIn } from "./wal-segments.ts";

export interface VerifyBackupOptions {
  readonly directory: string;
  readonly id: string;
  readonly searchPath: string;
  readonly bin?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Proves that every file is what was backed up, by its SHA-256, and that the log can be read to the restore point.
 * Rejects with a `BackupError` that names what is damaged or missing. That it can be restored only a drill tells.
 */
export async function verifyBackup({ directory, id, searchPath, bin, signal }: VerifyBackupOptions): Promise<void> {
  const record = await readRecord(directory, id);
  const { data, wal } = pathsOf(directory, id);
  const tools = await findTools(record.major, searchPath, bin);
  await tools.run("pg_verifybackup", ["--exit-on-error", data], { signal });
  const segments = await segmentsIn([wal]);
  const timeline = Number.parseInt(segments[0]?.slice(0, 8) ?? "1", 16);
  const first = segmentAt(record.startLsn, timeline);
  requireUnbroken(segments, first, segmentAt(record.restoreLsn, timeline));
  const range = ["--start", record.startLsn, "--end", record.restoreLsn, "--timeline", String(timeline)];
  await tools.run("pg_waldump", ["--quiet", "--path", wal, ...range], { signal });
}
