import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Db, type Postgres, statement } from "@millrace/db";
import { BackupError } from "./backup-error.ts";
import { type BackupRecord, pathsOf, recordFile, type TableFacts } from "./backup-record.ts";
import { readTableFacts } from "./table-facts.ts";
import { findTools, type Tools } from "./tools.ts";
import { segmentAt, segmentsIn } from "./wal-segments.ts";

export interface CreateBackupOptions {
  /** With a role that may replicate and make restore points: a superuser, or who was granted both. */
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
  readonly database: string;
  readonly role: string;
}

const readServer = statement<[], ServerRow>(
  "backup.read_server",
  `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
          system_identifier::text AS system, current_database() AS database, current_user AS role
     FROM pg_control_system()`,
);
const readSnapshot = statement<[], { snapshot: string }>(
  "backup.read_snapshot",
  "SELECT pg_current_snapshot()::text AS snapshot",
);
const repeatableRead = statement<[], never>(
  "backup.repeatable_read",
  "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
);
const makeRestorePoint = statement<[name: string], { lsn: string }>(
  "backup.make_restore_point",
  "SELECT pg_create_restore_point($1)::text AS lsn",
);
/** Keeps the log that is not received yet. Of backups that were killed it would do so for ever. */
const dropLeftSlots = statement<[], never>(
  "backup.drop_left_slots",
  `SELECT pg_drop_replication_slot(slot_name)
     FROM pg_replication_slots WHERE slot_name LIKE 'millrace\\_base\\_%' AND NOT active`,
);
const countSlots = statement<[], { slots: number }>(
  "backup.count_slots",
  "SELECT count(*)::int AS slots FROM pg_replication_slots WHERE slot_name LIKE 'millrace\\_base\\_%'",
);
const createSlot = statement<[name: string], never>(
  "backup.create_slot",
  "SELECT pg_create_physical_replication_slot($1, true)",
);
/** A segment is complete when the next one has begun. */
const switchWal = statement<[], { lsn: string }>("backup.switch_wal", "SELECT pg_switch_wal()::text AS lsn");

/**
 * Makes a base backup with the server's own pg_basebackup, with the log up to a named point at which it was looked
 * what is in each table. It is made under another name and renamed when it is complete.
 */
export async function createBackup(options: CreateBackupOptions): Promise<BackupRecord> {
  const { url, db, directory, signal, onProgress = () => {} } = options;
  const [server] = await db.rows(readServer, []);
  if (server === undefined) throw new BackupError("PostgreSQL does not say which server it is");
  const major = Math.floor(server.number / 10_000);
  const tools = await findTools(major, options.searchPath, options.bin);
  const startedAt = new Date();
  const id = startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const unfinished = pathsOf(directory, `${id}.unfinished`);
  await mkdir(unfinished.wal, { recursive: true, mode: 0o700 });
  try {
    await db.run(dropLeftSlots, []);
    const slot = `millrace_base_${id.toLowerCase()}`;
    await db.run(createSlot, [slot]);
    await using parts = new AsyncDisposableStack();
    parts.defer(() => dropSlots(db));
    const log = receiveLog(tools, { url, folder: unfinished.wal, slot }, signal);
    const common = ["--pgdata", unfinished.data, "--dbname", url, "--no-password", "--progress"];
    const how = ["--checkpoint=fast", "--wal-method=stream", "--manifest-checksums=SHA256"];
    parts.use(log);
    await log.whileRunning((running) =>
      tools.run("pg_basebackup", [...common, ...how], { signal: running, onLine: onProgress }),
    );
    const { startLsn, timeline, bytes } = await readManifest(unfinished.data);
    const point = await lookAtPoint(db, `millrace_${id}`, onProgress);
    await db.rows(switchWal, []);
    const wanted = segmentAt(point.lsn, timeline);
    await log.whileRunning(async (running) => {
      while (!(await segmentsIn([unfinished.wal])).includes(wanted)) await sleep(100, undefined, { signal: running });
    });
    const record: BackupRecord = {
      id,
      serverVersion: server.version,
      major,
      systemIdentifier: server.system,
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      bytes,
      database: server.database,
      user: server.role,
      startLsn,
      restorePoint: `millrace_${id}`,
      restoreLsn: point.lsn,
      isExact: point.isExact,
      tables: point.tables,
    };
    await writeFile(join(unfinished.folder, recordFile), JSON.stringify(record, undefined, 2), { flush: true });
    await rename(unfinished.folder, pathsOf(directory, id).folder);
    return record;
  } catch (error) {
    await rm(unfinished.folder, { recursive: true, force: true });
    throw error;
  }
}

/** Receives the log from now on. The signal that `whileRunning` hands on is aborted when that ends too early. */
function receiveLog(
  tools: Tools,
  { url, folder, slot }: { readonly url: string; readonly folder: string; readonly slot: string },
  signal: AbortSignal | undefined,
) {
  const stop = new AbortController();
  const running = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  let failure: unknown;
  const ended = tools
    .run("pg_receivewal", ["--directory", folder, "--dbname", url, "--slot", slot, "--no-loop", "--no-password"], {
      signal: running,
    })
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => stop.abort());
  return {
    async whileRunning<T>(work: (running: AbortSignal) => Promise<T>): Promise<T> {
      try {
        return await work(running);
      } catch (error) {
        signal?.throwIfAborted();
        throw failure ?? error;
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** The server notices only after a moment that nobody receives any more. */
async function dropSlots(db: Db): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    await db.run(dropLeftSlots, []).catch(() => {}); // a later backup does it
    const [row] = await db.rows(countSlots, []).catch(() => []);
    if (row === undefined || row.slots === 0) return;
    await sleep(100);
  }
}

async function readManifest(data: string): Promise<{ startLsn: string; timeline: number; bytes: number }> {
  // Written by pg_basebackup; see "Backup Manifest Format" in PostgreSQL's manual.
  const manifest = JSON.parse(await readFile(join(data, "backup_manifest"), "utf8")) as {
    readonly Files: readonly { readonly Size: number }[];
    readonly "WAL-Ranges": readonly { readonly Timeline: number; readonly "Start-LSN": string }[];
  };
  const [range] = manifest["WAL-Ranges"];
  if (range === undefined) throw new BackupError("The backup's manifest names no log");
  const bytes = manifest.Files.reduce((sum, { Size }) => sum + Size, 0);
  return { startLsn: range["Start-LSN"], timeline: range.Timeline, bytes };
}

interface Point {
  readonly lsn: string;
  readonly isExact: boolean;
  readonly tables: Record<string, TableFacts>;
}

/**
 * Makes a restore point and looks at the tables as of just then: when the same transactions are over before it and
 * after, no commit came in between. Under constant writes that is tried some times, and then done without.
 */
async function lookAtPoint(db: Postgres, name: string, onProgress: (line: string) => void): Promise<Point> {
  const snapshotOf = async (reader: Db): Promise<string> => (await reader.rows(readSnapshot, []))[0]?.snapshot ?? "";
  for (let tries = 1; ; tries += 1) {
    const before = await snapshotOf(db);
    const [{ lsn } = { lsn: "0/0" }] = await db.rows(makeRestorePoint, [name]);
    const point = await db.transaction(async (tx): Promise<Point | undefined> => {
      await tx.run(repeatableRead, []);
      const isExact = (await snapshotOf(tx)) === before;
      if (!isExact && tries < 20) return undefined;
      return { lsn, isExact, tables: await readTableFacts(tx, (table) => onProgress(`looking at ${table}`)) };
    });
    if (point !== undefined) return point;
  }
}
