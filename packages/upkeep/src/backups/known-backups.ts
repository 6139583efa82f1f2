import { type Db, statement } from "@millrace/db";

/** A backup as it is told to whoever cannot see its folder. Times are ISO 8601 in UTC. */
export interface KnownBackup {
  readonly id: string;
  readonly started_at: string;
  readonly ended_at: string;
  /** The earliest time that it can be restored to. */
  readonly restorable_from: string;
  readonly bytes: number;
  readonly server_version: string;
  /** Where in the log it is restored to when nothing else is asked for. */
  readonly lsn: string;
  /** How many tables will be compared after a restore. */
  readonly tables: number;
  /** When it was last looked whether it is whole, and what was found to be damaged then. */
  readonly verified_at: string | null;
  readonly damage: string | null;
}

export interface KnownDrill {
  readonly at: string;
  readonly backup_id: string;
  readonly outcome: "sound" | "failed";
  readonly rto_ms: number | null;
  readonly rpo_ms: number | null;
  readonly error: string | null;
}

/** What was in a folder of backups when it was last looked at; the newest first. */
export interface KnownFolder {
  readonly directory: string;
  readonly looked_at: Date;
  readonly backups: readonly KnownBackup[];
  readonly drills: readonly KnownDrill[];
}

const note = statement<[directory: string, backups: string, drills: string], never>(
  "backup_folders.note",
  `INSERT INTO backup_folders (directory, looked_at, backups, drills) VALUES ($1, clock_timestamp(), $2, $3)
   ON CONFLICT (directory) DO UPDATE
      SET looked_at = excluded.looked_at, backups = excluded.backups, drills = excluded.drills`,
);

const readLast = statement<[], KnownFolder>(
  "backup_folders.get_last",
  "SELECT directory, looked_at, backups, drills FROM backup_folders ORDER BY looked_at DESC LIMIT 1",
);

/** Replaces what the database knows of a folder. */
export async function noteFolder(
  db: Db,
  { directory, backups, drills }: Omit<KnownFolder, "looked_at">,
): Promise<void> {
  await db.run(note, [directory, JSON.stringify(backups), JSON.stringify(drills)]);
}

/** The folder that was looked at last, if there was one. */
export async function knownFolder(db: Db): Promise<KnownFolder | undefined> {
  return (await db.rows(readLast, []))[0];
}
