import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { migrateUp } from "@millrace/db";
import { startPostgres } from "@millrace/embedded";
import { createServerFolder, createTestRedis, loadTestConfig, openWay } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { runService } from "../compose/service-process.ts";

const headers = { authorization: "Bearer millrace-test" };
const migrations = fileURLToPath(new URL("../../migrations", import.meta.url));
const anything = "00000000-0000-4000-8000-000000000000";
const tags: readonly unknown[] = ["database", "alerts", "live", "console", "fleet"];
/** What need not ask the database, and `/live`, which says that it does not answer. */
const answersAnyway = ["/console", "/database/cache-stats", "/fleet", "/live", `/runbooks/${anything}`];
/** A statement is given up after five seconds; nobody waits for more than one of them, and for a connection. */
const longestMs = 8_000;

/** An API on a PostgreSQL of its own that can be stopped, and whose answers can be held back. */
async function startWorld() {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await createServerFolder());
  const start = (port?: number) =>
    startPostgres({
      dataDir: join(folder.path, "postgres"),
      durable: false,
      searchPath: loadTestConfig(process.env).searchPath,
      log: () => {},
      ...(port !== undefined && { port }),
    });
  let server = await start();
  parts.defer(() => server[Symbol.asyncDispose]());
  await migrateUp({ url: server.url, directory: migrations });
  const way = parts.use(await openWay(server.url));
  const redis = parts.use(await createTestRedis());
  const environment = {
    DATABASE_URL: way.url,
    QUEUE_REDIS_URL: redis.url,
    CACHE_REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    LOG_LEVEL: "silent",
  };
  const api = parts.use(
    runService(
      { command: ["node", "apps/api/src/main.ts"], environment },
      { PORT: "0", DEVELOPMENT_KEY: "millrace-test" },
    ),
  );
  const { url = "" } = await api.ready;
  const running = parts.move();
  return {
    url,
    way,
    stopDatabase: () => server[Symbol.asyncDispose](),
    startDatabase: async () => {
      server = await start(server.port);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const document = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({ tags: z.array(z.string()).optional(), responses: z.record(z.string(), z.any()) }),
    ),
  ),
});

/** What operators read, as the OpenAPI document lists it, so that nothing new is left out. */
async function pathsFor(url: string): Promise<string[]> {
  const { paths } = document.parse(await (await fetch(`${url}/openapi.json`)).json());
  return Object.entries(paths)
    .filter(([, { get }]) => get?.tags?.some((tag) => tags.includes(tag)) === true)
    .map(([path]) => path.replaceAll(/\{\w+\}/g, anything))
    .concat("/console")
    .toSorted();
}

/** The answer to one request: its code, and the problem where it is one. A stream is left once its headers are there. */
async function ask(url: string, path: string) {
  const startedAt = performance.now();
  const controller = new AbortController();
  const response = await fetch(url + path, { headers, signal: controller.signal });
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json") === true;
  const type: unknown = isProblem ? Object(await response.json()).type : undefined;
  const retryAfter = response.headers.get("retry-after");
  const tookMs = performance.now() - startedAt;
  controller.abort();
  return { path, code: response.status, type, retryAfter, tookMs };
}

const askAll = (url: string, paths: readonly string[]) => Promise.all(paths.map((path) => ask(url, path)));

test("while PostgreSQL is away or hangs, what operators read says so in time, and all is well again after", async () => {
  await using world = await startWorld();
  const { url, way } = world;
  const paths = await pathsFor(url);
  expect(paths).toEqual(expect.arrayContaining(["/alerts", "/console", "/database/health", "/live"]));
  const codesOf = async () => new Map((await askAll(url, paths)).map(({ path, code }) => [path, code]));
  const well = await codesOf();
  // Nothing has the identifier that is asked for.
  expect([...well].filter(([path, code]) => code !== (path.endsWith(anything) ? 404 : 200))).toEqual([]);

  const expectAway = async (): Promise<void> => {
    for (const { path, code, type, retryAfter, tookMs } of await askAll(url, paths)) {
      expect(tookMs, path).toBeLessThan(longestMs);
      if (answersAnyway.includes(path)) expect([path, code]).toEqual([path, well.get(path)]);
      else {
        const problem = {
          type: expect.stringMatching(/^\/problems\/database_(timeout|unavailable)$/),
          retryAfter: "2",
        };
        expect({ path, code, type, retryAfter }).toEqual({ path, code: 503, ...problem });
      }
    }
    expect(Object(await (await fetch(`${url}/live`, { headers })).json())).toMatchObject({
      database: { answers: false },
    });
  };

  way.hold();
  await expectAway();
  way.release();
  await expect.poll(codesOf, { timeout: 20_000 }).toEqual(well);

  await world.stopDatabase();
  await expectAway();
  await world.startDatabase();
  await expect.poll(codesOf, { timeout: 20_000 }).toEqual(well);
}, 120_000);
