import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Db, type Postgres, sqlState, sqlStateOf, statement } from "@millrace/db";
import { BackupError } from "./backup-error.ts";
import { type BackupPaths, type BackupRecord, pathsOf, recordFile, type TableFacts } from "./backup-record.ts";
import { sightOf, startCut } from "./clean-cut.ts";
import { lockTables, readTableFacts, tableNames } from "./table-facts.ts";
import { findTools, type Tools } from "./tools.ts";
import { readCommits } from "./wal-commits.ts";
import { positionOf, segmentNames } from "./wal-segments.ts";

export interface CreateBackupOptions {
  /** With a role that may replicate and read the server's files: a superuser. */
  readonly url: string;
  /** With time-outs for work that takes long. */
  readonly db: Postgres;
  readonly directory: string;
  readonly searchPath: string;
  readonly bin?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (line: string) => void;
}

interface ServerRow {
  readonly version: string;
  readonly number: number;
  readonly system: string;
  readonly segment: number;
  readonly database: string;
  readonly role: string;
  readonly standby: boolean;
  readonly tablespaces: number;
}

const readServer = statement<[], ServerRow>(
  "backup.read_server",
  `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
          system_identifier::text AS system, bytes_per_wal_segment AS segment, current_database() AS database,
          current_user AS role, pg_is_in_recovery() AS standby,
          (SELECT count(*)::int FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')) AS tablespaces
     FROM pg_control_system(), pg_control_init()`,
);
const readClock = statement<[], { now: Date }>("backup.read_clock", "SELECT clock_timestamp() AS now");
/** Both end with the connection, so that nothing is left of a backup that was killed. */
const lockBackup = statement<[], { mine: boolean }>(
  "backup.lock",
  "SELECT pg_try_advisory_lock(hashtext('millrace backup')) AS mine",
);
const unlockBackup = statement<[], never>(
  "backup.unlock",
  "SELECT pg_advisory_unlock(hashtext('millrace backup')), pg_drop_replication_slot($$millrace_base$$ || pg_backend_pid())",
);
const keepLog = statement<[], never>(
  "backup.keep_log",
  "SELECT pg_create_physical_replication_slot($$millrace_base$$ || pg_backend_pid(), true, true)",
);
const repeatableRead = statement<[], never>(
  "backup.repeatable_read",
  "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
);
const readSnapshot = statement<[], { snapshot: string }>(
  "backup.read_snapshot",
  "SELECT pg_current_snapshot()::text AS snapshot",
);
/**
 * The end of a record that comes after all that a snapshot saw, another record to be reached by a server that is to
 * stop there, and the segment of that one, which is complete when the next segment has begun.
 */
const endSegment = statement<[], { lsn: string; name: string }>(
  "backup.end_segment",
  `SELECT pg_create_restore_point('millrace')::text AS lsn,
          pg_walfile_name(pg_create_restore_point('millrace')) AS name, pg_switch_wal()`,
);
const readSegment = statement<[name: string, offset: number, length: number], { bytes: Buffer }>(
  "backup.read_segment",
  "SELECT pg_read_binary_file('pg_wal/' || $1, $2, $3) AS bytes",
);

const unfinished = ".unfinished";
const pieceBytes = 1_048_576;

/**
 * Makes a base backup with the server's own pg_basebackup, and with it the log up to a point at which it was looked
 * what is in each table. It is made under another name and renamed when it is complete.
 */
export async function createBackup(options: CreateBackupOptions): Promise<BackupRecord> {
  const { db, directory, searchPath, bin } = options;
  const [server] = await db.rows(readServer, []);
  if (server === undefined) throw new BackupError("PostgreSQL does not say which server it is");
  if (server.standby) throw new BackupError("This server is a standby; make the backup from its primary");
  if (server.tablespaces > 0) {
    throw new BackupError("The server has tablespaces, whose folders a copy beside it would share; use pgBackRest");
  }
  const tools = await findTools(Math.floor(server.number / 10_000), searchPath, bin);
  return await db.withConnection(async (connection) => {
    const [lock] = await connection.rows(lockBackup, []);
    if (lock?.mine !== true) throw new BackupError("Another backup of this server is being made");
    await connection.run(keepLog, []);
    try {
      await removeLeft(directory, server.system);
      return await makeBackup(connection, tools, server, options);
    } finally {
      await connection.run(unlockBackup, []).catch(() => {}); // the connection has gone, and both with it
    }
  });
}

/** No other backup of the server is being made: what is not finished was left by one that was killed. */
async function removeLeft(directory: string, system: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [] as string[])) {
    if (name.endsWith(`.${system}${unfinished}`)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function makeBackup(
  db: Db,
  tools: Tools,
  server: ServerRow,
  { url, directory, signal, onProgress = () => {} }: CreateBackupOptions,
): Promise<BackupRecord> {
  const startedAt = new Date();
  const id = startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const paths = pathsOf(directory, `${id}.${server.system}${unfinished}`);
  await mkdir(paths.wal, { recursive: true, mode: 0o700 });
  try {
    const how = ["--checkpoint=fast", "--wal-method=stream", "--manifest-checksums=SHA256", "--progress"];
    await tools.run("pg_basebackup", ["--pgdata", paths.data, ...how], { url, signal, onLine: onProgress });
    const [{ now } = { now: new Date() }] = await db.rows(readClock, []);
    const base = { ...(await readManifest(paths.data)), segmentBytes: server.segment };
    const point = await lookAtTables({ db, tools, paths, base, signal, onProgress });
    const record: BackupRecord = {
      id,
      serverVersion: server.version,
      major: Math.floor(server.number / 10_000),
      systemIdentifier: server.system,
      walSegmentBytes: server.segment,
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      consistentAt: now.toISOString(),
      bytes: base.bytes,
      database: server.database,
      user: server.role,
      timeline: base.timeline,
      startLsn: base.startLsn,
      endLsn: base.endLsn,
      pointLsn: point.lsn,
      lastLsn: point.lastLsn,
      tables: point.tables,
    };
    await writeFile(join(paths.folder, recordFile), JSON.stringify(record, undefined, 2), { flush: true });
    await rename(paths.folder, pathsOf(directory, id).folder);
    return record;
  } catch (error) {
    await rm(paths.folder, { recursive: true, force: true });
    throw error;
  }
}

interface Base {
  readonly bytes: number;
  readonly timeline: number;
  readonly startLsn: string;
  readonly endLsn: string;
}

async function readManifest(data: string): Promise<Base> {
  // Written by pg_basebackup; see "Backup Manifest Format" in PostgreSQL's manual.
  const manifest = JSON.parse(await readFile(join(data, "backup_manifest"), "utf8")) as {
    readonly Files: readonly { readonly Size: number }[];
    readonly "WAL-Ranges": readonly {
      readonly Timeline: number;
      readonly "Start-LSN": string;
      readonly "End-LSN": string;
    }[];
  };
  const [range] = manifest["WAL-Ranges"];
  if (range === undefined) throw new BackupError("The backup's manifest names no log");
  const bytes = manifest.Files.reduce((sum, { Size }) => sum + Size, 0);
  return { bytes, timeline: range.Timeline, startLsn: range["Start-LSN"], endLsn: range["End-LSN"] };
}

interface LookNeeds {
  readonly db: Db;
  readonly tools: Tools;
  readonly paths: BackupPaths;
  readonly base: Base & { readonly segmentBytes: number };
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (line: string) => void;
}

interface Point {
  readonly lsn: string;
  readonly lastLsn: string;
  readonly tables: Record<string, TableFacts>;
}

/**
 * Looks what is in the tables, and finds the place in the log that has just that before it. With writers at work some
 * snapshots have no such place; then another one is taken.
 */
async function lookAtTables(needs: LookNeeds): Promise<Point> {
  const { db, base, onProgress } = needs;
  const tries = 20;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const names = await tableNames(db);
    const point = await db
      .transaction(async (tx): Promise<Point | undefined> => {
        await tx.run(repeatableRead, []);
        await lockTables(tx, names);
        const [taken] = await tx.rows(readSnapshot, []);
        const [last] = await tx.rows(endSegment, []);
        if (taken === undefined || last === undefined) return undefined;
        // One that was created in between is not locked: its name may come to mean another table.
        if ((await tableNames(tx)).some((name) => !names.includes(name))) return undefined;
        await fetchLog(tx, last.name, needs);
        const lsn = await cutUntil(last.lsn, sightOf(taken.snapshot), needs);
        // One in the base backup's own log is of a commit that nobody could see until later.
        if (lsn === undefined || positionOf(lsn) < positionOf(base.endLsn)) return undefined;
        return {
          lsn,
          lastLsn: last.lsn,
          tables: await readTableFacts(tx, (table) => onProgress(`looking at ${table}`)),
        };
      })
      .catch((error: unknown) => {
        if (sqlStateOf(error) === sqlState.undefinedTable) return undefined; // a table was dropped before it was locked
        throw error;
      });
    if (point !== undefined) return point;
  }
  throw new BackupError(`No place in the log has just what one snapshot saw, in ${tries} tries; try again`);
}

/** Reads segments of the log from the server's folder, from the base backup's last one to this one. */
async function fetchLog(db: Db, last: string, { paths, base, signal }: LookNeeds): Promise<void> {
  const names = segmentNames(base.segmentBytes);
  const first = names.numberOf(names.at(base.endLsn, base.timeline));
  const have = await readdir(paths.wal);
  for (let number = first; number <= names.numberOf(last); number += 1n) {
    const name = names.named(number, base.timeline);
    if (have.includes(name)) continue;
    await using file = await open(join(paths.wal, name), "wx", 0o600);
    for (let offset = 0; offset < base.segmentBytes; offset += pieceBytes) {
      signal?.throwIfAborted();
      const [piece] = await db.rows(readSegment, [name, offset, pieceBytes]);
      if (piece === undefined || piece.bytes.length === 0) throw new BackupError(`The log's segment ${name} is short`);
      await file.write(piece.bytes);
    }
    await file.sync();
  }
}

async function cutUntil(
  end: string,
  sees: (xid: number) => boolean,
  { tools, paths, base, signal }: LookNeeds,
): Promise<string | undefined> {
  const { timeline, startLsn, endLsn } = base;
  const cut = startCut(sees);
  const own = { path: join(paths.data, "pg_wal"), timeline, start: startLsn, end: endLsn };
  await readCommits(tools, own, cut.add, signal);
  await readCommits(tools, { path: paths.wal, timeline, start: endLsn, end }, cut.add, signal);
  const place = cut.place();
  return place === "after" ? end : place;
}
