import {
  BackupError,
  createBackup,
  type DrillResult,
  drillBackup,
  listBackups,
  type RestoreTarget,
  receiveWal,
  restoreBackup,
  tellOfBackups,
  verifyBackup,
} from "@millrace/backup";
import { connectPostgres, type Postgres } from "@millrace/db";
import { CommandError, say } from "../command-error.ts";
import type { CommandLine } from "../commands/read-command-line.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { loadBackupConfig, loadDatabaseConfig } from "../config.ts";
import { interruptedCode, listenForInterruption } from "../interruption.ts";
import { bytesText, minuteOf, tableOf } from "../table.ts";
import { backupCommand } from "./declaration.ts";

/** `backup create|list|wal|verify|restore|drill`. Gives the exit code. */
export async function runBackup(args: string[]): Promise<number> {
  using interruption = listenForInterruption();
  const { signal } = interruption;
  try {
    return await runDeclared(backupCommand, args, (line) => runCommand(line, signal));
  } catch (error) {
    if (signal.aborted) return interruptedCode;
    if (!(error instanceof BackupError)) throw error;
    process.stderr.write(`${error.message}.\n`);
    return 1;
  }
}

async function runCommand(
  { subcommand, values, positionals: [id, ...others] }: CommandLine<typeof backupCommand>,
  signal: AbortSignal,
): Promise<number> {
  if (others.length > 0) throw new CommandError("Name one backup at a time", 2);
  const { directory, bin, searchPath } = loadBackupConfig(process.env);
  const where = { directory, bin, searchPath, signal };
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  const { json } = values;
  switch (subcommand) {
    case "create": {
      const { url } = await loadDatabaseConfig(process.env);
      await using db = await connect(url);
      const made = await createBackup({ ...where, url, db, onProgress });
      await told(() => tellOfBackups(db, directory));
      return say(json ? JSON.stringify(made) : `Backup ${made.id}: ${bytesText(made.bytes)}`, 0);
    }
    case "list":
      return await list(directory, json);
    case "wal": {
      const { url } = await loadDatabaseConfig(process.env);
      await using db = await connect(url);
      await receiveWal({ ...where, db, url, onLine: onProgress });
      return 0;
    }
    case "verify":
      await verifyBackup({ ...where, id: named(id) }).finally(() => told(() => tell(directory)));
      return say(json ? JSON.stringify({ id, ok: true }) : `${id} is whole.`, 0);
    case "restore":
      return await restore(named(id), where, values);
    case "drill": {
      const result = await drillBackup({ ...where, id, onProgress });
      await told(() => tell(directory));
      return say(json ? JSON.stringify(result) : textOf(result), result.isOk ? 0 : 1);
    }
  }
}

/** Verifying and drilling need no database; when there is one it is told. */
async function tell(directory: string): Promise<void> {
  const { url } = await loadDatabaseConfig(process.env);
  await using db = await connect(url);
  await tellOfBackups(db, directory);
}

/** The backup, and what was found, are there in any case: a worker that sees the folder tells of them later. */
async function told(work: () => Promise<unknown>): Promise<void> {
  await work().catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`GET /database/backups does not know of it yet: ${why}\n`);
  });
}

function connect(url: string): Promise<Postgres> {
  const patienceMs = 24 * 3_600_000;
  return connectPostgres({
    url,
    applicationName: "millrace-backup",
    maxConnections: 2,
    minConnections: 0,
    queryTimeoutMs: patienceMs,
    statementTimeoutMs: patienceMs,
  });
}

function named(id: string | undefined): string {
  if (id === undefined || !/^[\w-]+$/.test(id)) throw new CommandError("Name a backup by its id; see: backup list", 2);
  return id;
}

async function list(directory: string, isJson: boolean): Promise<number> {
  const backups = await listBackups(directory);
  if (isJson) return say(JSON.stringify(backups, undefined, 2), 0);
  if (backups.length === 0) return say(`There are none in ${directory}.`, 0);
  const rows = backups.map(({ id, finishedAt, bytes, serverVersion, tables }) => [
    id,
    minuteOf(finishedAt),
    bytesText(bytes),
    serverVersion,
    String(Object.keys(tables).length),
  ]);
  return say(tableOf(["id", "finished", "size", "PostgreSQL", "tables"], rows), 0);
}

type RestoreValues = CommandLine<typeof backupCommand>["values"];

async function restore(
  id: string,
  where: Omit<Parameters<typeof restoreBackup>[0], "id" | "into" | "target">,
  values: RestoreValues,
): Promise<number> {
  const { into, json } = values;
  if (into === undefined) throw new CommandError("Name an empty folder with --into", 2);
  const { major } = await restoreBackup({ ...where, id, into, target: targetOf(values) });
  if (json) return say(JSON.stringify({ id, into, major }), 0);
  return say(
    `Restored to ${into}. Give it to the server's account (chown -R postgres ${into}) and start PostgreSQL ${major} on it;\n` +
      "it recovers, and then takes writes.",
    0,
  );
}

function targetOf({ "to-time": time, "to-end": isToEnd }: RestoreValues): RestoreTarget {
  if (time === undefined) return isToEnd ? "end" : "point";
  if (isToEnd) throw new CommandError("Give one of --to-time and --to-end", 2);
  const at = new Date(time);
  if (!Number.isNaN(at.getTime())) return at;
  throw new CommandError(`"${time}" is no time: write one such as 2026-11-24T12:00:00Z`, 2);
}

function textOf({ backupId, isOk, rtoMs, rpoMs, checks }: DrillResult): string {
  const lines = checks.map((check) => `${check.isOk ? "ok    " : "FAILED"}  ${check.name.padEnd(8)}  ${check.detail}`);
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const times = [
    rtoMs === null ? "it did not recover" : `recovery took ${seconds(rtoMs)} (RTO)`,
    ...(rpoMs === null ? [] : [`the last ${seconds(rpoMs)} would have been lost (RPO)`]),
  ];
  return [...lines, `${backupId} is ${isOk ? "sound" : "NOT sound"}; ${times.join(", ")}`].join("\n");
}
