import { join } from "node:path";
import process from "node:process";
import { createKey } from "@millrace/access";
import { startRedis } from "@millrace/embedded";
import {
  createServerFolder,
  createTestDatabase,
  createTestRedis,
  freePort,
  loadTestConfig,
  openWay,
} from "@millrace/embedded/testing";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { runService } from "../compose/service-process.ts";

const authorization = "Bearer millrace-test";
const until = (condition: () => unknown) => expect.poll(condition, { timeout: 20_000, interval: 50 });
/** What it says of itself: nobody is kept waiting longer, whatever hangs. */
const longestMs = 2_500;

/** A Redis of its own that loses nothing, which can be stopped. */
async function startOwnRedis(folder: string, name: string) {
  const server = await startRedis({
    dataDir: join(folder, name),
    cacheDir: join(folder, "cache"),
    appendOnly: true,
    searchPath: loadTestConfig(process.env).searchPath,
    log: () => {},
  });
  const redis = new Redis(server.url);
  const pid = Number(/^process_id:(\d+)/m.exec(await redis.info("server"))?.[1]);
  redis.disconnect();
  return {
    url: server.url,
    stop: () => process.kill(pid, "SIGSTOP"),
    go: () => process.kill(pid, "SIGCONT"),
    async [Symbol.asyncDispose]() {
      process.kill(pid, "SIGCONT");
      await server[Symbol.asyncDispose]();
    },
  };
}

async function startWorld() {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await createServerFolder());
  const database = parts.use(await createTestDatabase());
  const way = parts.use(await openWay(database.url));
  const queue = parts.use(await startOwnRedis(folder.path, "queue"));
  const cache = parts.use(await startOwnRedis(folder.path, "cache-redis"));
  const { prefix } = parts.use(await createTestRedis());
  const environment = {
    DATABASE_URL: way.url,
    QUEUE_REDIS_URL: queue.url,
    CACHE_REDIS_URL: cache.url,
    QUEUE_PREFIX: prefix,
    LOG_LEVEL: "silent",
  };
  const run = (app: string, others: Record<string, string>) =>
    parts.use(runService({ command: ["node", `apps/${app}/src/main.ts`], environment }, others));
  const opsPort = await freePort();
  const api = run("api", { PORT: "0", DEVELOPMENT_KEY: "millrace-test" });
  const worker = run("worker", { OPS_PORT: String(opsPort) });
  const [{ url = "" }] = await Promise.all([api.ready, worker.ready]);
  const running = parts.move();
  return {
    database,
    way,
    queue,
    cache,
    worker,
    url,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Asks, and fails if the answer takes too long. */
async function ask(url: string, key: string | undefined = authorization) {
  const startedAt = performance.now();
  const response = await fetch(url, key === "" ? {} : { headers: { authorization: key } });
  const body = Object(await response.json());
  expect(performance.now() - startedAt).toBeLessThan(longestMs);
  return { code: response.status, body };
}

async function expectMetric(url: string, key: string, line: RegExp): Promise<void> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/metrics`, { headers: { authorization: key } });
  expect(await response.text()).toMatch(line);
  expect(performance.now() - startedAt).toBeLessThan(longestMs);
}

async function healthAt(url: string, key?: string) {
  const { code, body } = await ask(`${url}/health`, key);
  const wrong = body.dependencies.filter((one: { status: string }) => one.status !== "ok");
  return {
    code,
    status: body.status,
    wrong: wrong.map(({ name, status }: Record<string, string>) => `${name} ${status}`),
  };
}

test("an API says what it lacks and what it would rather have, whatever hangs, and all is well again after", async () => {
  await using world = await startWorld();
  const { url, way, queue, cache, worker } = world;
  const well = { code: 200, status: "ok", wrong: [] };
  await until(() => healthAt(url)).toEqual(well);
  const { body } = await ask(`${url}/health`);
  expect(body).toMatchObject({
    role: "api",
    version: expect.stringMatching(/^\d+\.\d+/),
    node: process.version,
    dependencies: ["postgresql", "queue_redis", "cache_redis"].map((name) => ({
      name,
      status: "ok",
      latency_ms: expect.any(Number),
      version: expect.stringMatching(/^\d+\.\d+/),
    })),
    consumers: { ingest: { alive: 1, stuck: 0 }, writes: { alive: 1, stuck: 0 }, upkeep: { alive: 1, stuck: 0 } },
  });
  expect(await ask(`${url}/health`, "")).toEqual({ code: 200, body: { status: "ok" } });
  expect(await ask(`${url}/health/ready`)).toEqual({ code: 200, body: { status: "ok" } });
  expect((await ask(`${url}/health`, "Bearer unknown")).code).toBe(401);

  cache.stop();
  await until(() => healthAt(url)).toEqual({ code: 200, status: "degraded", wrong: ["cache_redis down"] });
  expect(await ask(`${url}/health/ready`)).toEqual({ code: 200, body: { status: "degraded" } });
  cache.go();
  await until(() => healthAt(url)).toEqual(well);

  way.hold();
  await until(() => healthAt(url)).toEqual({ code: 503, status: "down", wrong: ["postgresql down"] });
  expect(await ask(`${url}/health`, "")).toEqual({ code: 200, body: { status: "ok" } });
  expect(await ask(`${url}/health/ready`)).toMatchObject({
    code: 503,
    body: { type: "/problems/database_unavailable" },
  });
  expect((await ask(`${url}/health/performance`)).body).toMatchObject({ of: "process" });
  await expectMetric(url, authorization, /^millrace_dependency_up\{dependency="postgresql",app="api"\} 0$/m);
  expect((await ask(`${url}/live`)).body).toMatchObject({ database: { answers: false, latency_ms: null } });
  way.release();
  await until(() => healthAt(url)).toEqual(well);

  queue.stop();
  await until(() => healthAt(url)).toEqual({ code: 503, status: "down", wrong: ["queue_redis down"] });
  expect(await ask(`${url}/health/ready`)).toMatchObject({
    code: 503,
    body: { type: "/problems/queue_unavailable" },
  });
  queue.go();
  await until(() => healthAt(url)).toEqual(well);

  await worker[Symbol.asyncDispose]();
  await until(() => healthAt(url)).toEqual({ code: 200, status: "degraded", wrong: [] });
  expect((await ask(`${url}/health`)).body.reasons).toContain("no worker takes jobs from the queue ingest");
}, 120_000);

test("a worker says the same at its own port", async () => {
  await using world = await startWorld();
  const { opsUrl, way, cache, database } = world;
  const key = `Bearer ${(await createKey(database.db, { name: "operator", scopes: ["read"] })).key}`;
  const well = { code: 200, status: "ok", wrong: [] };
  await until(() => healthAt(opsUrl, key)).toEqual(well);
  expect((await ask(`${opsUrl}/health`, key)).body).toMatchObject({
    role: "worker",
    consumers: { ingest: { alive: 1 } },
  });
  expect(await ask(`${opsUrl}/health`, "")).toEqual({ code: 200, body: { status: "ok" } });
  expect((await fetch(`${opsUrl}/health`, { headers: { authorization: "Bearer unknown" } })).status).toBe(401);
  expect((await ask(`${opsUrl}/health/performance`, key)).body).toMatchObject({ of: "fleet" });
  cache.stop();
  await until(() => healthAt(opsUrl, key)).toEqual({ code: 200, status: "degraded", wrong: ["cache_redis down"] });
  cache.go();
  way.hold();
  await until(() => healthAt(opsUrl, key)).toEqual({ code: 503, status: "down", wrong: ["postgresql down"] });
  expect(await ask(`${opsUrl}/health/ready`, key)).toEqual({
    code: 503,
    body: { status: "down", missing: ["postgresql"] },
  });
  expect((await ask(`${opsUrl}/health/performance`, key)).body).toMatchObject({ of: "process" });
  await expectMetric(opsUrl, key, /^millrace_dependency_up\{dependency="postgresql",app="worker"\} 0$/m);
  way.release();
  await until(() => healthAt(opsUrl, key)).toEqual(well);
}, 120_000);
