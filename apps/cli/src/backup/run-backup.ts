import { parseArgs } from "node:util";
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
import { CommandError, explained, say } from "../command-error.ts";
import { loadBackupConfig, loadDatabaseConfig } from "../config.ts";
import { interruptedCode, listenForInterruption } from "../interruption.ts";
import { bytesText, minuteOf, tableOf } from "../table.ts";

const help = `Usage: millrace backup COMMAND [OPTIONS]

Backups of the whole server at DATABASE_URL, made with its own tools, which must be of its major version.

  create                     a base backup, with what is in each table
  list                       what there is
  wal                        receive the log until Ctrl-C, so that any moment since can be restored to
  verify ID                  every file against its checksum, and the log for gaps
  restore ID --into FOLDER   a data folder whose server recovers to where the tables were looked at when it starts
  drill [ID]                 restore to a server for the moment, and compare it with what was there (default: the newest)

  --to-time TIME   recover to then, RFC 3339 (restore; needs the log of \`backup wal\`)
  --to-end         recover all of the log that was received (restore)
  --json           write JSON instead of text
  --help           show this text

The environment's DATABASE_URL, else the PostgreSQL of \`npm start\`; BACKUP_DIR, where backups are kept; PG_BIN, the
folder of the tools when they are not on PATH. The role must be a superuser.
Exit codes: 0 done and sound, 1 not, 2 the command line makes no sense, 130 interrupted.
`;

const options = {
  help: { type: "boolean", short: "h", default: false },
  json: { type: "boolean", default: false },
  into: { type: "string" },
  "to-time": { type: "string" },
  "to-end": { type: "boolean", default: false },
} as const;

/** `backup create|list|wal|verify|restore|drill`. Gives the exit code. */
export async function runBackup(args: string[]): Promise<number> {
  using interruption = listenForInterruption();
  const { signal } = interruption;
  try {
    return await explained(() => runCommand(args, signal));
  } catch (error) {
    if (signal.aborted) return interruptedCode;
    if (!(error instanceof BackupError)) throw error;
    process.stderr.write(`${error.message}.\n`);
    return 1;
  }
}

async function runCommand(args: string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parsed(args);
  const [command, id, ...others] = positionals;
  if (values.help || command === undefined) return say(help, values.help ? 0 : 2);
  if (others.length > 0) throw new CommandError(`That is no command.\n\n${help}`, 2);
  const { directory, bin, searchPath } = loadBackupConfig(process.env);
  const where = { directory, bin, searchPath, signal };
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  const { json } = values;
  switch (command) {
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
    default:
      throw new CommandError(`There is no command "${command}".\n\n${help}`, 2);
  }
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new CommandError(`${error instanceof Error ? error.message : error}\n\n${help}`, 2);
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

interface RestoreValues {
  readonly into?: string;
  readonly "to-time"?: string;
  readonly "to-end": boolean;
  readonly json: boolean;
}

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
