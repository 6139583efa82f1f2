import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectPostgres } from "@millrace/db";
import { BackupError } from "./backup-error.ts";
import { archivesOf, type BackupRecord, listBackups, pathsOf } from "./backup-record.ts";
import { noteTrial } from "./history.ts";
import { restoreBackup } from "./restore-backup.ts";
import { startScratchServer } from "./scratch-server.ts";
import { differencesOf, readTableFacts } from "./table-facts.ts";
import { findTools, type Tools } from "./tools.ts";
import { verifyBackup } from "./verify-backup.ts";
import { segmentNames, unbrokenRun, walFilesIn, wayFrom } from "./wal-segments.ts";

export interface DrillOptions {
  readonly directory: string;
  /** Default: the newest. */
  readonly id?: string | undefined;
  readonly searchPath: string;
  readonly bin?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (line: string) => void;
}

export interface DrillResult {
  readonly backupId: string;
  readonly isOk: boolean;
  /** From the beginning of the restore until the server answers and has recovered; null when it never did. */
  readonly rtoMs: number | null;
  /**
   * What would be lost if the server were gone now, at most: the age of the newest log there is, or of the backup; null
   * when it cannot be restored.
   */
  readonly rpoMs: number | null;
  readonly checks: readonly { readonly name: string; readonly isOk: boolean; readonly detail: string }[];
}

const patienceMs = 3_600_000;

/**
 * Restores a backup to a server of its own, in a folder below TMPDIR that is removed afterwards, and looks whether
 * it is sound: its files, its indexes against its tables (amcheck), and its rows against those that were there.
 */
export async function drillBackup(options: DrillOptions): Promise<DrillResult> {
  const { directory, searchPath, bin, signal, onProgress = () => {} } = options;
  const id = options.id ?? (await listBackups(directory)).at(-1)?.id;
  if (id === undefined)
    throw new BackupError(`There is no backup in ${directory}; make one with: npm run backup -- create`);
  const checks: { name: string; isOk: boolean; detail: string }[] = [];
  const check = async (name: string, work: () => Promise<string>): Promise<boolean> => {
    onProgress(name);
    try {
      checks.push({ name, isOk: true, detail: await work() });
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      checks.push({ name, isOk: false, detail: error instanceof Error ? error.message : String(error) });
      return false;
    }
  };
  await using parts = new AsyncDisposableStack();
  await check("verify", async () => {
    await verifyBackup({ directory, id, searchPath, bin, signal });
    return "every file has its checksum, and the log is whole";
  });
  const startedAt = performance.now();
  let rtoMs: number | null = null;
  let record: BackupRecord | undefined;
  await check("restore", async () => {
    const folder = await scratchFolder();
    parts.defer(() => rm(folder, { recursive: true, force: true }));
    const data = join(folder, "data");
    record = await restoreBackup({ directory, id, into: data, searchPath, bin, signal });
    const tools = await findTools(record.major, searchPath, bin);
    const server = parts.use(await startScratchServer(tools, { folder, data, record, signal }));
    rtoMs = Math.round(performance.now() - startedAt);
    const { database, tables } = record;
    await check("amcheck", async () => await amcheck(tools, server.socket, record, signal));
    await check("rows", async () => {
      await using db = await connectPostgres({
        url: server.url,
        applicationName: "millrace-drill",
        minConnections: 0,
        queryTimeoutMs: patienceMs,
        statementTimeoutMs: patienceMs,
      });
      const differences = differencesOf(tables, await readTableFacts(db));
      if (differences.length > 0) throw new BackupError(differences.join("; "));
      return `${Object.keys(tables).length} tables of ${database} are as they were`;
    });
    return "the server recovered to the restore point";
  });
  const rpoMs = record === undefined ? null : Math.round(Date.now() - (await newestOf(directory, record)));
  const result: DrillResult = { backupId: id, isOk: checks.every(({ isOk }) => isOk), rtoMs, rpoMs, checks };
  const { isOk } = result;
  const at = new Date().toISOString();
  await noteTrial(directory, {
    kind: "drill",
    at,
    backupId: id,
    isOk,
    rtoMs,
    rpoMs,
    error: failuresOf(result) ?? null,
  });
  return result;
}

/** What a drill found to be wrong, as one line; `undefined` for a sound backup. */
export function failuresOf({ checks }: Pick<DrillResult, "checks">): string | undefined {
  const failed = checks.filter(({ isOk }) => !isOk);
  return failed.length === 0 ? undefined : failed.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
}

const scratchForm = /^millrace-drill-(\d+)-/;

/** Named after this process, so that those of drills that were killed are known, and removed. */
async function scratchFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const [, owner] = scratchForm.exec(name) ?? [];
    if (owner === undefined || isAlive(Number(owner))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {}); // another user's
  }
  return await mkdtemp(join(tmpdir(), `millrace-drill-${process.pid}-`));
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** When the newest of what can be restored was written. */
async function newestOf(directory: string, record: BackupRecord): Promise<number> {
  const finishedAt = Date.parse(record.finishedAt);
  const { data, wal } = pathsOf(directory, record.id);
  const files = await walFilesIn([
    wal,
    join(data, "pg_wal"),
    ...(await archivesOf(directory, record.systemIdentifier)),
  ]);
  const paths = new Map([...files.partials, ...files.segments]);
  const way = await wayFrom(record.timeline, record.endLsn, files);
  const { segments } = unbrokenRun(segmentNames(record.walSegmentBytes), new Set(paths.keys()), way, record.startLsn);
  const last = paths.get(segments.at(-1) ?? "");
  return last === undefined ? finishedAt : Math.max(finishedAt, (await stat(last)).mtimeMs);
}

async function amcheck(
  tools: Tools,
  socket: string,
  record: BackupRecord | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const target = ["--host", socket, "--username", record?.user ?? "", "--no-password"];
  const depth = ["--install-missing", "--heapallindexed", "--parent-check"];
  // What is damaged it tells as output, and what keeps it from looking as an error.
  const found: string[] = [];
  const onOutput = (line: string): void => void found.push(line.trim());
  try {
    await tools.run("pg_amcheck", [...target, ...depth, record?.database ?? ""], { signal, onOutput });
  } catch (error) {
    const text = found.join(" ").slice(0, 4_000);
    throw text === "" ? error : new BackupError(text, { cause: error });
  }
  return "tables and indexes agree";
}
