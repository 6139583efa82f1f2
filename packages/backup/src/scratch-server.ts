import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openPostgres, statement } from "@millrace/db";
import { give, serverAccount } from "@millrace/embedded";
import { BackupError } from "./backup-error.ts";
import type { BackupRecord } from "./backup-record.ts";
import { spawnWithUs } from "./spawn-with-us.ts";
import type { Tools } from "./tools.ts";

export interface ScratchServerOptions {
  /** Only we, and the account the server runs under, may look into it: there is its socket. */
  readonly folder: string;
  readonly data: string;
  readonly record: BackupRecord;
  readonly signal: AbortSignal | undefined;
}

export interface ScratchServer extends AsyncDisposable {
  readonly url: string;
  /** The folder of its socket. */
  readonly socket: string;
}

const isRecovered = statement<[], { recovered: boolean }>(
  "backup.is_recovered",
  "SELECT NOT pg_is_in_recovery() AS recovered",
);

/** Given on the command line, where they win over what ALTER SYSTEM wrote on the original. */
const settings = {
  listen_addresses: "",
  port: "5432",
  ssl: "off",
  // Without this it would need at least the original's limits.
  hot_standby: "off",
  fsync: "off",
  archive_mode: "off",
  max_wal_senders: "0",
  max_connections: "20",
  max_locks_per_transaction: "256",
  shared_buffers: "128MB",
  huge_pages: "off",
  synchronous_standby_names: "",
  shared_preload_libraries: "",
  session_preload_libraries: "",
  local_preload_libraries: "",
  logging_collector: "off",
  log_destination: "stderr",
  external_pid_file: "",
  default_transaction_read_only: "off",
  autovacuum: "off",
};

/** A server of what was restored, that is reached through its folder only and does nothing that the original did. */
export async function startScratchServer(
  tools: Tools,
  { folder, data, record, signal }: ScratchServerOptions,
): Promise<ScratchServer> {
  const account = await serverAccount("/");
  const hba = join(folder, "pg_hba.conf");
  await writeFile(hba, "local all all trust\n");
  const config = join(folder, "postgresql.conf");
  await writeFile(config, "");
  await give(account, folder);
  const all = { ...settings, unix_socket_directories: folder, hba_file: hba, config_file: config };
  const args = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const { child, end } = spawnWithUs(join(tools.bin, "postgres"), ["-D", data, ...args], {
    account,
    endSignal: "QUIT",
  });
  let said = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      said += error.message;
      resolve();
    });
    child.once("exit", () => resolve());
  });
  const stop = async (): Promise<void> => {
    end();
    await ended;
  };
  const { user, database } = record;
  const url = `postgres://${encodeURIComponent(user)}@/${encodeURIComponent(database)}?host=${encodeURIComponent(folder)}`;
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
  return { url, socket: folder, [Symbol.asyncDispose]: stop };
}
