import { chmod, mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "@millrace/access";
import { connectPostgres, migrateUp, statement } from "@millrace/db";
import { startPostgres, startRedis } from "@millrace/embedded";
import { freePort, loadTestConfig } from "@millrace/embedded/testing";
import { Redis } from "ioredis";
import { root } from "../compose/compose-file.ts";
import { type KeptProcess, keepRunning, signalAll, withDescendants } from "./processes.ts";
import { type Link, startProxy } from "./proxy.ts";
import type { Fault, LinkName, ProcessName } from "./schedule.ts";

export interface FleetOptions {
  readonly appendfsync: "always" | "everysec";
  readonly log: (line: string) => void;
}

/** API, two workers, PostgreSQL and Redis, with a proxy on every way between them. */
export interface Fleet extends AsyncDisposable {
  /** The API as clients reach it, through a proxy. */
  readonly apiUrl: string;
  /** The API without a proxy. */
  readonly apiPort: number;
  apiPid(): number;
  /** With all scopes. */
  readonly key: string;
  /** Redis without a proxy. */
  readonly redisUrl: string;
  /** PostgreSQL without a proxy. */
  readonly databaseUrl: string;
  begin(fault: Fault): Promise<void>;
  end(fault: Fault): Promise<void>;
  /** How often an app ended by itself. */
  crashes(): number;
}

export async function startFleet({ appendfsync, log }: FleetOptions): Promise<Fleet> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await mkdtempDisposable(join(tmpdir(), "millrace-chaos-")));
  await chmod(folder.path, 0o755);
  const { searchPath } = loadTestConfig(process.env);
  const servers = { searchPath, log };
  const postgres = parts.use(
    await startPostgres({ ...servers, dataDir: join(folder.path, "postgres"), durable: true }),
  );
  const redis = parts.use(
    await startRedis({
      ...servers,
      dataDir: join(folder.path, "redis"),
      cacheDir: join(root, ".millrace/cache"),
      appendOnly: true,
      appendfsync,
    }),
  );
  await migrateUp({ url: postgres.url, directory: join(root, "migrations") });
  const key = await keyOn(postgres.url);

  const apiPort = await freePort();
  const postgresPort = Number(new URL(postgres.url).port);
  const links: Readonly<Record<LinkName, Link>> = {
    "client-api": parts.use(await startProxy(apiPort)),
    "api-postgres": parts.use(await startProxy(postgresPort)),
    "api-redis": parts.use(await startProxy(redis.port)),
    "worker-postgres": parts.use(await startProxy(postgresPort)),
    "worker-redis": parts.use(await startProxy(redis.port)),
  };
  const through = (url: string, link: LinkName): string => {
    const changed = new URL(url);
    changed.port = String(links[link].port);
    return changed.href;
  };
  const common = { PATH: searchPath, LOG_LEVEL: "silent" };
  const worker = (): Promise<KeptProcess> =>
    keepRunning("apps/worker/src/main.ts", {
      ...common,
      DATABASE_URL: through(postgres.url, "worker-postgres"),
      QUEUE_REDIS_URL: through(redis.url, "worker-redis"),
      INGEST_JOB_LOCK_MS: "5000",
    });
  const apps = {
    "worker-1": parts.use(await worker()),
    "worker-2": parts.use(await worker()),
    api: parts.use(
      await keepRunning("apps/api/src/main.ts", {
        ...common,
        DATABASE_URL: through(postgres.url, "api-postgres"),
        QUEUE_REDIS_URL: through(redis.url, "api-redis"),
        PORT: String(apiPort),
      }),
    ),
  };

  async function pidOf(name: ProcessName): Promise<number> {
    if (name === "postgres") {
      return Number.parseInt(await readFile(join(folder.path, "postgres/postmaster.pid"), "utf8"), 10);
    }
    return name === "redis" ? await pidOfRedis(redis.url) : apps[name].pid;
  }

  const stopped = new Map<Fault, readonly number[]>();
  const running = parts.move();
  return {
    apiUrl: `http://127.0.0.1:${links["client-api"].port}`,
    apiPort,
    apiPid: () => apps.api.pid,
    key,
    redisUrl: redis.url,
    databaseUrl: postgres.url,
    crashes: () => Object.values(apps).reduce((sum, app) => sum + app.crashes, 0),

    async begin(fault) {
      if (fault.kind === "kill") {
        if (fault.target === "postgres" || fault.target === "redis") signalAll([await pidOf(fault.target)], "SIGKILL");
        else apps[fault.target].kill();
      } else if (fault.kind === "stop") {
        const family = await withDescendants(await pidOf(fault.target));
        stopped.set(fault, family);
        signalAll(family, "SIGSTOP");
      } else links[fault.target].cut(fault.kind);
    },

    async end(fault) {
      if (fault.kind === "stop") signalAll(stopped.get(fault) ?? [], "SIGCONT");
      else if (fault.kind !== "kill") links[fault.target].mend();
    },

    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function keyOn(url: string): Promise<string> {
  await using db = await connectPostgres({ url, applicationName: "millrace chaos", minConnections: 0 });
  await db.run(statement<[], never>("chaos.settle", "CHECKPOINT"), []);
  return (await createKey(db, { name: "chaos", scopes: ["admin"] })).key;
}

async function pidOfRedis(url: string): Promise<number> {
  const redis = new Redis(url, { connectTimeout: 1_000, commandTimeout: 1_000, maxRetriesPerRequest: 1 });
  redis.on("error", () => {}); // the command rejects with it
  try {
    return Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
  } finally {
    redis.disconnect();
  }
}
