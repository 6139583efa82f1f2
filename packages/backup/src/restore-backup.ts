import { constants, copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BackupError } from "./backup-error.ts";
import { archivesOf, type BackupRecord, pathsOf, readRecord } from "./backup-record.ts";
import { findTools, type Tools } from "./tools.ts";
import { requireOwnLog } from "./verify-backup.ts";
import { readCommits } from "./wal-commits.ts";
import { positionOf, segmentNames, unbrokenRun, walFilesIn, wayFrom } from "./wal-segments.ts";

/** How far to recover: to where the backup's tables were looked at, to a time, or to the end of the log received. */
export type RestoreTarget = "point" | "end" | Date;

export interface RestoreBackupOptions {
  readonly directory: string;
  readonly id: string;
  /** Must be empty or not be there. */
  readonly into: string;
  readonly target?: RestoreTarget;
  readonly searchPath: string;
  readonly bin?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies a backup to a folder and says there how far its server is to recover when it starts. Rejects with a
 * `BackupError`, and leaves nothing there, when the log does not reach that far.
 */
export async function restoreBackup(options: RestoreBackupOptions): Promise<BackupRecord> {
  const { directory, id, into, target = "point", searchPath, bin, signal } = options;
  const record = await readRecord(directory, id);
  const folder = resolve(into);
  if ((await readdir(folder).catch(() => [] as string[])).length > 0) throw new BackupError(`${into} is not empty`);
  if (target instanceof Date && target.toISOString() < record.consistentAt) {
    throw new BackupError(`The backup ended at ${record.consistentAt}; for an earlier time take an earlier one`);
  }
  const { data, wal } = pathsOf(resolve(directory), id);
  await requireOwnLog(record, [wal]);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await cp(data, folder, {
      recursive: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
      filter: () => {
        signal?.throwIfAborted();
        return true;
      },
    });
    await rm(join(folder, "backup_manifest"), { force: true });
    // A copy, since the account that the server will run under may not be let into the folder of backups.
    const log = join(folder, "millrace_wal");
    await mkdir(log, { mode: 0o700 });
    const archive = target === "point" ? [] : await archivesOf(resolve(directory), record.systemIdentifier);
    const run = await copyLog(record, [wal, join(folder, "pg_wal"), ...archive], log);
    if (target instanceof Date) {
      await requireReached(await findTools(record.major, searchPath, bin), { record, run, log, target, signal });
    }
    await writeSettings(folder, log, targetSettings(target, record));
    await writeFile(join(folder, "recovery.signal"), "");
    return record;
  } catch (error) {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    throw error;
  }
}

interface CopiedRun {
  readonly segments: readonly string[];
  readonly gap: string | undefined;
}

/** Copies all of the log that a server can replay from the backup on, up to the first gap. */
async function copyLog(record: BackupRecord, folders: readonly string[], log: string): Promise<CopiedRun> {
  const files = await walFilesIn(folders);
  const way = await wayFrom(record.timeline, record.endLsn, files);
  const timelines = new Set(way.map(({ timeline }) => timeline));
  for (const { timeline, path } of files.histories) {
    if (timelines.has(timeline)) await copyFile(path, join(log, path.split("/").at(-1) ?? ""));
  }
  // What is still being received is as good as a segment: its rest is zeros.
  const paths = new Map([...files.partials, ...files.segments]);
  const names = segmentNames(record.walSegmentBytes);
  const run = unbrokenRun(names, new Set(paths.keys()), way, record.startLsn);
  for (const name of run.segments) {
    const path = paths.get(name);
    if (path !== undefined) await copyFile(path, join(log, name), constants.COPYFILE_FICLONE);
  }
  return run;
}

interface Reach {
  readonly record: BackupRecord;
  readonly run: CopiedRun;
  readonly log: string;
  readonly target: Date;
  readonly signal: AbortSignal | undefined;
}

/** A server that does not find a commit after the time it is to recover to refuses to start. */
async function requireReached(tools: Tools, { record, run, log, target, signal }: Reach): Promise<void> {
  const names = segmentNames(record.walSegmentBytes);
  let last: Date | undefined;
  for (const segment of run.segments.toReversed()) {
    const segmentStart = names.startOf(names.numberOf(segment));
    const start = positionOf(segmentStart) < positionOf(record.startLsn) ? record.startLsn : segmentStart;
    const range = { path: log, timeline: Number.parseInt(segment.slice(0, 8), 16), start };
    const note = ({ at }: { readonly at: Date }): void => {
      if (last === undefined || at > last) last = at;
    };
    // Without an end it reads as far as it can, which it takes for a failure.
    await readCommits(tools, range, note, signal).catch(() => signal?.throwIfAborted());
    if (last !== undefined) break;
  }
  if (last !== undefined && last > target) return;
  const until = last === undefined ? "has no commit after the backup" : `ends with a commit at ${last.toISOString()}`;
  const why = run.gap === undefined ? "" : `, since its segment ${run.gap} is missing`;
  throw new BackupError(
    `The log ${until}${why}, which is before ${target.toISOString()}; restore to an earlier time, or all of it with --to-end`,
  );
}

function targetSettings(target: RestoreTarget, { pointLsn }: BackupRecord): string[] {
  if (target === "end") return [];
  const action = "recovery_target_action = 'promote'";
  if (target === "point") {
    const timeline = "recovery_target_timeline = 'current'";
    return [`recovery_target_lsn = '${pointLsn}'`, "recovery_target_inclusive = off", timeline, action];
  }
  // In this file PostgreSQL knows zones by their offsets only.
  return [`recovery_target_time = '${target.toISOString().replace("Z", "+00")}'`, action];
}

/** What ALTER SYSTEM or an earlier restore may have written about recoveries, of which a server takes one only. */
const ofRecovery = /^\s*(?:recovery_\w+|restore_command|archive_cleanup_command|primary_\w+|promote_trigger_file)\s*=/i;

async function writeSettings(folder: string, log: string, target: readonly string[]): Promise<void> {
  const path = join(folder, "postgresql.auto.conf");
  const before = (await readFile(path, "utf8").catch(() => "")).split("\n").filter((line) => !ofRecovery.test(line));
  const own = [
    `restore_command = ${literal(`cp ${quoted(`${log.replaceAll("%", "%%")}/`)}%f %p`)}`,
    `recovery_end_command = ${literal(`rm -rf ${quoted(log.replaceAll("%", "%%"))}`)}`,
    ...target,
  ];
  await writeFile(path, [...before.filter((line) => line !== ""), ...own, ""].join("\n"));
}

/** For a file of settings. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** For a shell. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\$`]/g, "\\$&")}"`;
}
