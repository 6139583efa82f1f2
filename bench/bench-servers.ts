import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { connectPostgres, migrateUp, type Postgres } from "@millrace/db";
import { type Servers, startServers } from "@millrace/embedded";
import { loadBenchConfig } from "./config.ts";

/** Runs `work` on servers of its own, set up as `npm start` sets them up: durable, with AOF. */
export async function withBenchServers(work: (servers: Servers) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const hurry = new AbortController();
  process.once("SIGINT", () => hurry.abort());
  const servers = parts.use(
    await startServers({
      databaseUrl: undefined,
      queueRedisUrl: undefined,
      cacheRedisUrl: undefined,
      dataDir: join(folder, "data"),
      searchPath: loadBenchConfig(process.env).searchPath,
      log: (line) => process.stderr.write(`${line}\n`),
      hurry: hurry.signal,
    }),
  );
  await migrateUp({ url: servers.databaseUrl, directory: fileURLToPath(new URL("../migrations", import.meta.url)) });
  await work(servers);
}

/** A connection for filling tables and counting rows, which may take a while. */
export async function connectBench(url: string): Promise<Postgres> {
  const patience = 600_000;
  return await connectPostgres({
    url,
    applicationName: "millrace-bench",
    minConnections: 0,
    queryTimeoutMs: patience,
    statementTimeoutMs: patience,
  });
}

/** What an app of ours is given to run on these servers, on a free port. */
export function appEnvironment({ databaseUrl, queueRedisUrl, cacheRedisUrl }: Servers): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    QUEUE_REDIS_URL: queueRedisUrl,
    CACHE_REDIS_URL: cacheRedisUrl,
    LOG_LEVEL: "error",
    PORT: "0",
  };
}
