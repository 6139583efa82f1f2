import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPostgres, openPostgres, statement } from "@millrace/db";
import { freePort, give, serverAccount } from "@millrace/embedded";
import { BackupError } from "./backup-error.ts";
import { type BackupRecord, listBackups } from "./backup-record.ts";
import { restoreBackup } from "./restore-backup.ts";
import { differencesOf, readTableFacts } from "./table-facts.ts";
import { findTools, type Tools } from "./tools.ts";
import { verifyBackup } from "./verify-backup.ts";

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
  /** From the beginning of the restore until the server answers and has recovered. */
  readonly rtoMs: number;
  /** What would have been lost if the server were gone now: the age of the backup's restore point. */
  readonly rpoMs: number;
  readonly checks: readonly { readonly name: string; readonly isOk: boolean; readonly detail: string }[];
}

const isRecovered = statement<[], { recovered: boolean }>(
  "backup.is_recovered",
  "SELECT NOT pg_is_in_recovery() AS recovered",
);
const patienceMs = 3_600_000;

/**
 * Restores a backup to a server of its own, on loopback and in a folder that is removed afterwards, and looks whether
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
  let rtoMs = 0;
  let record: BackupRecord | undefined;
  await check("restore", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-drill-"));
    parts.defer(() => rm(folder, { recursive: true, force: true }));
    const into = join(folder, "data");
    record = await restoreBackup({ directory, id, into });
    const tools = await findTools(record.major, searchPath, bin);
    const server = parts.use(await startScratch(tools, folder, into, record, signal));
    rtoMs = performance.now() - startedAt;
    const { database, tables, isExact } = record;
    await check("amcheck", async () => await amcheck(tools, server.url));
    await check("rows", async () => {
      await using db = await connectPostgres({
        url: server.url,
        applicationName: "millrace-drill",
        minConnections: 0,
        queryTimeoutMs: patienceMs,
        statementTimeoutMs: patienceMs,
      });
      const differences = differencesOf(tables, await readTableFacts(db));
      if (differences.length > 0 && isExact) throw new BackupError(differences.join("; "));
      const count = Object.keys(tables).length;
      return isExact
        ? `${count} tables of ${database} are as they were`
        : `${count} tables of ${database}; there were constant writes, so that ${differences.length} differ`;
    });
    return "the server recovered to the restore point";
  });
  const finishedAt = record === undefined ? Number.NaN : Date.parse(record.finishedAt);
  return {
    backupId: id,
    isOk: checks.every(({ isOk }) => isOk),
    rtoMs: Math.round(rtoMs),
    rpoMs: Date.now() - finishedAt,
    checks,
  };
}

async function amcheck(tools: Tools, url: string): Promise<string> {
  const { hostname, port, username, pathname } = new URL(url);
  const target = ["--host", hostname, "--port", port, "--username", username, "--no-password"];
  const depth = ["--install-missing", "--heapallindexed", "--parent-check"];
  await tools.run("pg_amcheck", [...target, ...depth, pathname.slice(1)]);
  return "tables and indexes agree";
}

/** A server of what was restored, that trusts loopback, archives nothing and needs none of the original's settings. */
async function startScratch(
  tools: Tools,
  folder: string,
  data: string,
  { user, database }: BackupRecord,
  signal: AbortSignal | undefined,
): Promise<{ readonly url: string } & AsyncDisposable> {
  const account = await serverAccount("/");
  const port = await freePort();
  const hba = join(folder, "pg_hba.conf");
  await writeFile(hba, "host all all 127.0.0.1/32 trust\n");
  const config = join(folder, "postgresql.conf");
  const settings = [
    "listen_addresses = '127.0.0.1'",
    `port = ${port}`,
    "unix_socket_directories = ''",
    // Without this it would need at least the original's limits.
    "hot_standby = off",
    "fsync = off",
    "archive_mode = off",
    "max_wal_senders = 0",
    "max_locks_per_transaction = 256",
    `hba_file = '${hba}'`,
    "",
  ];
  await writeFile(config, settings.join("\n"));
  await chmod(folder, 0o755);
  await chmod(data, 0o700);
  await give(account, data);
  const child = spawn(`${tools.bin}/postgres`, ["-D", data, "-c", `config_file=${config}`], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", "ignore", "pipe"],
    ...account,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGQUIT");
    await ended;
  };
  const url = `postgres://${encodeURIComponent(user)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  await using db = openPostgres({ url, applicationName: "millrace-drill", minConnections: 0, maxConnections: 1 });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const lastWords = said.split("\n").filter((line) => /FATAL|PANIC|ERROR/.test(line));
      if (child.exitCode !== null) throw new BackupError(`The restored server ended: ${lastWords.join(" ") || said}`);
      const [row] = await db.rows(isRecovered, []).catch(() => []);
      if (row?.recovered === true) break;
      await sleep(100);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: stop };
}
