import type { Db } from "@millrace/db";
import {
  createTestDatabase,
  createTestRedis,
  type DebianProgram,
  openWay,
  startPgbouncer,
} from "@millrace/embedded/testing";
import { runService, type ServiceProcess } from "../compose/service-process.ts";

export interface Api {
  readonly url: string;
  readonly process: ServiceProcess;
  /** Sends a request with the key of the test; `body` as JSON. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty for an answer without a body. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface FleetOptions {
  readonly apis?: number;
  readonly workers?: number;
  /** Which roles of Redis are reached by a way on which answers can be held back. */
  readonly byWay?: "cache" | "both";
  readonly environment?: Readonly<Record<string, string>>;
  /** The PgBouncer through which PostgreSQL is reached, but for what needs a connection of its own. */
  readonly pooler?: DebianProgram | undefined;
}

const key = "millrace-test";

/** APIs and workers as processes, on the servers of the tests. */
export async function startFleet({
  apis = 1,
  workers = 1,
  byWay,
  environment = {},
  pooler: poolerProgram,
}: FleetOptions = {}) {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const way = parts.use(await openWay(redis.url));
  const pooler = poolerProgram && parts.use(await startPgbouncer(poolerProgram, database.url));
  const shared = {
    DATABASE_URL: pooler?.url ?? database.url,
    ...(pooler && { DATABASE_DIRECT_URL: database.url, DATABASE_STATEMENT_TIMEOUT_MS: "0" }),
    QUEUE_REDIS_URL: byWay === "both" ? way.url : redis.url,
    CACHE_REDIS_URL: byWay === undefined ? redis.url : way.url,
    QUEUE_PREFIX: redis.prefix,
    LOG_LEVEL: "error",
    ...environment,
  };
  const start = (app: string, others: Readonly<Record<string, string>> = {}): ServiceProcess =>
    runService({ command: ["node", `apps/${app}/src/main.ts`], environment: shared }, others);
  const run = (...which: Parameters<typeof start>): ServiceProcess => parts.use(start(...which));
  const started = Array.from({ length: apis }, () =>
    run("api", { PORT: environment["PORT"] ?? "0", DEVELOPMENT_KEY: key }),
  );
  const working = Array.from({ length: workers }, () => run("worker"));
  await Promise.all(working.map(({ ready }) => ready));
  const running: Api[] = [];
  for (const process of started) {
    const { url = "" } = await process.ready;
    running.push({ url, process, call: (method, path, options) => callApi(url + path, method, options) });
  }
  const db: Db = database.db;
  const all = parts.move();
  return {
    db,
    databaseUrl: database.url,
    environment: shared,
    redis,
    way,
    apis: running,
    workers: working,
    startWorker: async () => {
      await all.use(start("worker")).ready;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function callApi(url: string, method: string, { body, headers }: CallOptions = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : { text } };
}
