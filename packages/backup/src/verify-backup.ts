import { join } from "node:path";
import { BackupError } from "./backup-error.ts";
import { archivesOf, type BackupRecord, pathsOf, readRecord } from "./backup-record.ts";
import { noteTrial } from "./history.ts";
import { findTools, type Tools } from "./tools.ts";
import { segmentNames, unbrokenRun, walFilesIn, wayFrom } from "./wal-segments.ts";

export interface VerifyBackupOptions {
  readonly directory: string;
  readonly id: string;
  readonly searchPath: string;
  readonly bin?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Proves that every file is what was backed up, by its SHA-256, that the log can be read to the backup's point, and
 * that what was received since has no gap. Rejects with a `BackupError` that names what is damaged or missing. What was
 * found is noted beside the backup. That it can be restored only a drill tells.
 */
export async function verifyBackup({ directory, id, searchPath, bin, signal }: VerifyBackupOptions): Promise<void> {
  const record = await readRecord(directory, id);
  const tools = await findTools(record.major, searchPath, bin);
  const note = (damage: string | null) =>
    noteTrial(directory, { kind: "verify", at: new Date().toISOString(), backupId: id, damage });
  try {
    await requireWhole(tools, directory, record, signal);
  } catch (error) {
    if (error instanceof BackupError) await note(error.message);
    throw error;
  }
  await note(null);
}

async function requireWhole(
  tools: Tools,
  directory: string,
  record: BackupRecord,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { data, wal } = pathsOf(directory, record.id);
  await tools.run("pg_verifybackup", ["--exit-on-error", data], { signal });
  await requireOwnLog(record, [wal]);
  const range = ["--start", record.endLsn, "--end", record.lastLsn, "--timeline", String(record.timeline)];
  await tools.run("pg_waldump", ["--quiet", "--path", wal, ...range], { signal });
  const files = await walFilesIn([
    wal,
    join(data, "pg_wal"),
    ...(await archivesOf(directory, record.systemIdentifier)),
  ]);
  const way = await wayFrom(record.timeline, record.endLsn, files);
  const names = segmentNames(record.walSegmentBytes);
  const have = new Set([...files.segments.keys(), ...files.partials.keys()]);
  const run = unbrokenRun(names, have, way, record.startLsn);
  // Just after the backup's own log is no gap: there the log was not received yet.
  const isReceived = run.segments.at(-1) !== names.at(record.lastLsn, record.timeline);
  if (run.gap === undefined || !isReceived) return;
  throw new BackupError(`The backup is whole, but of the log received since then segment ${run.gap} is missing`);
}

/** Throws a `BackupError` that names the segment that is missing on the way to the backup's own point. */
export async function requireOwnLog(record: BackupRecord, folders: readonly string[]): Promise<void> {
  const names = segmentNames(record.walSegmentBytes);
  const { segments } = await walFilesIn(folders);
  const { endLsn, lastLsn, timeline } = record;
  const last = names.numberOf(names.at(lastLsn, timeline));
  for (let number = names.numberOf(names.at(endLsn, timeline)); number <= last; number += 1n) {
    const name = names.named(number, timeline);
    if (!segments.has(name)) throw new BackupError(`The log's segment ${name} is missing`);
  }
}
