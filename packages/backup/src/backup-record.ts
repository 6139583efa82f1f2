import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BackupError } from "./backup-error.ts";

/** What was in a table at the restore point, to be compared after a restore. */
const tableFacts = z.object({
  rows: z.number(),
  /** The sum of the rows' hashes, whatever their order; null for tables too large to be read. */
  hash: z.string().nullable(),
});

const record = z.object({
  id: z.string(),
  serverVersion: z.string(),
  major: z.int(),
  systemIdentifier: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  bytes: z.number(),
  /** The database whose tables were looked at. */
  database: z.string(),
  user: z.string(),
  /** Log from here on is needed. */
  startLsn: z.string(),
  /** The named point up to which the backup has log of its own. */
  restorePoint: z.string(),
  restoreLsn: z.string(),
  /** False when others never paused writing for long enough to look at the tables at just that point. */
  isExact: z.boolean(),
  tables: z.record(z.string(), tableFacts),
});

export type TableFacts = z.output<typeof tableFacts>;
export type BackupRecord = z.output<typeof record>;

export const recordFile = "millrace-backup.json";

/** Where the parts of a backup are. */
export interface BackupPaths {
  readonly folder: string;
  /** As pg_basebackup wrote it. */
  readonly data: string;
  /** Log from the beginning of the backup to its restore point. */
  readonly wal: string;
  /** Log of all times, as far as `backup wal` received it. */
  readonly archive: string;
}

export function pathsOf(directory: string, id: string): BackupPaths {
  const folder = join(directory, id);
  return { folder, data: join(folder, "data"), wal: join(folder, "wal"), archive: join(directory, "wal") };
}

/** The backups that are complete, the oldest first. */
export async function listBackups(directory: string): Promise<BackupRecord[]> {
  const names = await readdir(directory).catch(() => [] as string[]);
  const found = await Promise.all(names.toSorted().map((id) => readRecord(directory, id).catch(() => undefined)));
  return found.filter((one) => one !== undefined);
}

/** Rejects with a `BackupError` when there is no such backup. */
export async function readRecord(directory: string, id: string): Promise<BackupRecord> {
  const text = await readFile(join(directory, id, recordFile), "utf8").catch((cause: unknown) => {
    throw new BackupError(`There is no complete backup ${id} in ${directory}`, { cause });
  });
  return record.parse(JSON.parse(text));
}
