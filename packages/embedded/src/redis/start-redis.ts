import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { give, serverAccount } from "../account.ts";
import { lockFolder } from "../folder-lock.ts";
import { reachableFolder } from "../folders.ts";
import { freePort } from "../ports.ts";
import type { RunningServer } from "../postgres/start-postgres.ts";
import { ServerError } from "../server-error.ts";
import { loadFacts, saveFacts } from "../server-facts.ts";
import { openServerLog } from "../server-log.ts";
import { startProcess } from "../supervise.ts";
import { redisReady, shutDownRedis } from "./ask-redis.ts";
import { debianRedis } from "./debian-redis.ts";
import { dockerRedis } from "./docker-redis.ts";
import { redisOnPath } from "./local-redis.ts";
import type { RedisProgram, RedisRun } from "./redis-program.ts";

export interface RedisServerOptions {
  /** Made when it is missing. Its password, port and log are kept beside it. */
  readonly dataDir: string;
  /** Where a downloaded Redis is kept. */
  readonly cacheDir: string;
  /** Default: the port of the last run while it is free, else any free one. */
  readonly port?: number;
  /** True writes every command to disk, as a queue needs it; false keeps data in memory only. */
  readonly appendOnly: boolean;
  /** Default: everysec, so that a crash of the machine may lose the last second. */
  readonly appendfsync?: "always" | "everysec";
  /** Default: a random one of its own, kept beside its data. */
  readonly password?: string;
  /** Further lines of its configuration. */
  readonly settings?: readonly string[];
  /** Where programs are looked for, as in PATH. */
  readonly searchPath: string;
  readonly log: (line: string) => void;
  /** Once aborted, the start is given up. */
  readonly signal?: AbortSignal;
  /** Once aborted, stopping waits no longer. */
  readonly hurry?: AbortSignal;
}

/**
 * Starts a real Redis (or Valkey) on 127.0.0.1 that never evicts, and keeps it running until disposed. A server
 * left over from a run that was killed is stopped first; data that another living process uses is refused.
 */
export async function startRedis(options: RedisServerOptions): Promise<RunningServer> {
  const { appendOnly, appendfsync = "everysec", log } = options;
  await using parts = new AsyncDisposableStack();
  const account = await serverAccount(options.dataDir);
  const dataDir = join(await reachableFolder(dirname(options.dataDir), account), basename(options.dataDir));
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await give(account, dataDir);
  parts.use(await lockFolder(dataDir, account));
  const facts = await loadFacts(dataDir);
  if (facts.port !== undefined && (await shutDownRedis(facts.port, facts.password))) {
    log(`A Redis of an earlier run that was killed still ran on port ${facts.port}; stopped it`);
  }
  const cacheDir = await reachableFolder(options.cacheDir, account);
  const program = await findRedis({ ...options, cacheDir });
  const port = options.port ?? (await freePort(facts.port));
  const { password = facts.password, settings = [] } = options;
  await saveFacts(dataDir, { ...facts, port, password }, account);
  const output = parts.use(await openServerLog(`${dataDir}.log`));
  const stdio: RedisRun["stdio"] = ["pipe", output.fd, output.fd];
  const run: RedisRun = { dataDir, port, password, appendOnly, appendfsync, settings, account, stdio };
  await program.prepare?.(run);
  parts.use(
    await startProcess({
      name: "Redis",
      spawn: () => program.spawn(run),
      ready: (_child, signal) => redisReady(port, password, signal),
      startTimeoutMs: 60_000,
      stopSignal: "SIGTERM",
      stopTimeoutMs: 30_000,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.hurry ? { hurry: options.hurry } : {}),
      lastOutput: output.tail,
      log,
    }),
  );
  const running = parts.move();
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    port,
    description: `${program.description} on port ${port}${appendOnly ? `, data in ${dataDir}` : ""}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function findRedis(options: RedisServerOptions): Promise<RedisProgram> {
  const { searchPath } = options;
  const program = (await redisOnPath(searchPath)) ?? (await debianRedis(options)) ?? (await dockerRedis(searchPath));
  if (program !== undefined) return program;
  throw new ServerError(
    "No Redis 6.2 or newer was found: neither redis-server nor valkey-server is on PATH, it could not be downloaded " +
      "with apt, and no Docker engine answers. Install it (Debian, Ubuntu: apt-get install redis-server; " +
      "Alpine: apk add redis; Fedora: dnf install valkey; macOS: brew install redis), start Docker, " +
      "or point REDIS_URL at a server you have.",
  );
}
