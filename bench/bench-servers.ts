import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { migrateUp } from "@millrace/db";
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
