import { mkdir } from "node:fs/promises";
import { type Db, statement } from "@millrace/db";
import { BackupError } from "./backup-error.ts";
import { archiveOf } from "./backup-record.ts";
import { findTools } from "./tools.ts";

export interface ReceiveWalOptions {
  readonly db: Db;
  readonly url: string;
  readonly directory: string;
  readonly searchPath: string;
  readonly bin?: string | undefined;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Keeps the log for times when nobody receives it; it takes disk there until it is received. */
const slot = "millrace_backup";

const readServer = statement<[], { major: number; system: string; timeline: string }>(
  "backup.read_version",
  `SELECT current_setting('server_version_num')::int / 10000 AS major, system_identifier::text AS system,
          left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline
     FROM pg_control_system()`,
);

/** Receives the log into the archive until the signal is aborted, so that any moment since can be restored to. */
export async function receiveWal(options: ReceiveWalOptions): Promise<void> {
  const { db, url, directory, searchPath, bin, signal, onLine } = options;
  const [server] = await db.rows(readServer, []);
  if (server === undefined) throw new BackupError("PostgreSQL does not say which server it is");
  const tools = await findTools(server.major, searchPath, bin);
  const archive = archiveOf(directory, server.system, server.timeline);
  await mkdir(archive, { recursive: true, mode: 0o700 });
  const common = ["--directory", archive, "--slot", slot];
  try {
    await tools.run("pg_receivewal", [...common, "--create-slot", "--if-not-exists"], { url, signal });
    await tools.run("pg_receivewal", [...common, "--verbose"], { url, signal, onLine });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
