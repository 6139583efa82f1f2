import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BackupError } from "./backup-error.ts";

/** What was in a table at the backup's point, to be compared after a restore. */
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
  walSegmentBytes: z.int(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** From then on it can be restored to, by the server's clock. */
  consistentAt: z.iso.datetime(),
  bytes: z.number(),
  /** The database whose tables were looked at. */
  database: z.string(),
  user: z.string(),
  timeline: z.int(),
  /** Log from here on is needed. */
  startLsn: z.string(),
  /** Where the base backup ended; log from here on is in `wal`. */
  endLsn: z.string(),
  /** Up to here, and without what begins here, the tables have just the rows that were looked at. */
  pointLsn: z.string(),
  /** The end of the last record that is needed for that. */
  lastLsn: z.string(),
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
  /** Log from the end of the base backup to the backup's point. */
  readonly wal: string;
}

export function pathsOf(directory: string, id: string): BackupPaths {
  const folder = join(directory, id);
  return { folder, data: join(folder, "data"), wal: join(folder, "wal") };
}

/**
 * Log of all times of one server, as far as `backup wal` received it, has a folder for each timeline that it began to
 * receive on: pg_receivewal goes on after the newest segment it finds, which may be of a timeline that was left before.
 */
export function archiveOf(directory: string, systemIdentifier: string, timeline: string): string {
  return join(directory, `wal-${systemIdentifier}`, timeline);
}

export async function archivesOf(directory: string, systemIdentifier: string): Promise<string[]> {
  const names = await readdir(archiveOf(directory, systemIdentifier, "")).catch(() => [] as string[]);
  return names.toSorted().map((timeline) => archiveOf(directory, systemIdentifier, timeline));
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
  const read = record.safeParse(JSON.parse(text));
  if (read.success) return read.data;
  throw new BackupError(`${recordFile} of ${id} is not one of this version: ${z.prettifyError(read.error)}`);
}
