import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { give, serverAccount } from "../account.ts";
import { startPostgres } from "../postgres/start-postgres.ts";
import { startRedis } from "../redis/start-redis.ts";
import type { TestConfig } from "./config.ts";
import { startPostgresContainer, startRedisContainer } from "./containers.ts";
import { cacheDir } from "./debian-program.ts";

interface OpenServers extends AsyncDisposable {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** Takes or starts the servers that the configuration says. Disposing leaves nothing of those that were started. */
export async function openTestServers(config: TestConfig): Promise<OpenServers> {
  await using parts = new AsyncDisposableStack();
  const start = config.kind === "docker" ? containers() : await ownServers(parts, config.searchPath);
  const urls = [
    config.databaseUrl ?? start.postgres().then((server) => parts.use(server).url),
    config.redisUrl ?? start.redis().then((server) => parts.use(server).url),
  ] as const;
  await Promise.allSettled(urls); // while one is still being started, the failure of the other could not stop it
  const [databaseUrl, redisUrl] = await Promise.all(urls);
  const running = parts.move();
  return { databaseUrl, redisUrl, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

interface Start {
  readonly postgres: () => Promise<{ url: string } & AsyncDisposable>;
  readonly redis: () => Promise<{ url: string } & AsyncDisposable>;
}

function containers(): Start {
  return { postgres: startPostgresContainer, redis: startRedisContainer };
}

async function ownServers(parts: AsyncDisposableStack, searchPath: string): Promise<Start> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-test-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  await give(await serverAccount(folder), folder);
  const log = (): void => {};
  return {
    postgres: () =>
      startPostgres({
        dataDir: join(folder, "postgres"),
        durable: false,
        settings: { max_connections: "500", max_wal_size: "1GB", shared_buffers: "256MB" },
        searchPath,
        log,
      }),
    redis: () => startRedis({ dataDir: join(folder, "redis"), cacheDir, appendOnly: false, searchPath, log }),
  };
}
