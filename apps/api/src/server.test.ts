import { createAuthenticator } from "@millrace/access";
import { createCache, createRedisStore } from "@millrace/cache";
import { connectReplicas } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { createFigures, joinFleet, reportPerformance } from "@millrace/fleet";
import { connectQueues } from "@millrace/jobs";
import { createLogger, createMetrics } from "@millrace/runtime";
import { createTailFeed } from "@millrace/tail";
import { recentMinutes } from "@millrace/upkeep";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { z } from "zod";
import { createServer } from "./server.ts";
import { createOutcomes } from "./writes/outcomes.ts";

const openApi = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ security: z.array(z.unknown()).optional() }))),
});

test("the OpenAPI document is valid and has every route with its bodies and answers", async () => {
  await using api = await startApi();
  const document = (await api.app.inject("/openapi.json")).json();
  expect(await new Validator().validate(document)).toMatchObject({ valid: true });
  const { paths } = openApi.parse(document);
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  const hidden = ["get /metrics", "get /openapi.json", "get /page.css", "get /sign-in"];
  expect([...documented, ...hidden].sort()).toEqual(api.routes.toSorted());
  expect(Object.keys(Object(paths["/v1/events"]?.["post"]?.["requestBody"]).content)).toContain("application/x-ndjson");
  expect(Object.keys(Object(paths["/v1/events"]?.["post"]?.["responses"]))).toEqual(
    ["202", "400", "401", "403", "413", "415", "422", "429", "503"], // all that it answers
  );
});

test("without a key every route answers 401, but those that tell nothing of the data", async () => {
  await using api = await startApi();
  const { paths } = openApi.parse((await api.app.inject("/openapi.json")).json());
  const open: string[] = [];
  for (const route of api.routes) {
    const [method = "", path = ""] = route.split(" ");
    const { statusCode } = await api.app.inject({ method: methodOf(method), url: path });
    if (statusCode !== 401) open.push(route);
    const security = paths[path]?.[method]?.security;
    if (security !== undefined) expect([route, security.length === 0]).toEqual([route, statusCode !== 401]);
  }
  expect(open.sort()).toEqual([
    "delete /session",
    "get /health",
    "get /openapi.json",
    "get /page.css",
    "get /sign-in",
    "post /session",
    "post /session/end",
  ]);
});

async function startApi(): Promise<{ app: FastifyInstance; routes: string[] } & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const { db } = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const queues = parts.use(await connectQueues({ ...redis, onError: () => {} }));
  const feed = parts.use(createTailFeed({ ...redis, onError: () => {} }));
  const store = parts.use(createRedisStore({ ...redis, onError: () => {} }));
  const app = await createServer({
    db,
    queues,
    authenticator: createAuthenticator({ db }),
    metrics: createMetrics({ app: "test" }),
    log: createLogger({ name: "test", level: "silent" }),
    ingest: {
      lingerMs: 1,
      maxJobLength: 100_000,
      maxPendingLength: 100_000,
      limits: { maxBodyBytes: 10_000, maxEvents: 100, maxEventLength: 10_000 },
    },
    admission: {
      pressure: { maxQueueBytes: 1_000_000_000, maxQueueWaitMs: 60_000, maxRssBytes: 8_000_000_000 },
      rates: { eventsPerSecond: 0, eventsPerDay: 0 },
      counts: redis,
    },
    tail: { feed, limits: { maxClients: 1, maxEventsPerSecond: 1 } },
    cache: parts.use(createCache({ store, onError: () => {} })),
    cacheRedis: store,
    eventReads: {
      read: parts.use(connectReplicas({ primary: db, urls: [], pool: { applicationName: "test" } })).read,
      maxLagMs: 1_000,
    },
    database: {
      diskBytes: undefined,
      maxConnections: 5,
      alertRules: [],
      replicas: { state: () => [], askEach: async () => [] },
    },
    outcomes: createOutcomes(db),
    performance: () =>
      reportPerformance({ fleetMinutes: (spans) => recentMinutes(db, spans), own: { since: () => null } }),
    fleet: parts.use(
      joinFleet({
        presence: queues.presence,
        id: "test",
        app: "api",
        version: "0",
        figures: createFigures(),
        pool: db.poolCounts,
        onError: () => {},
      }),
    ),
    domain: {
      caches: {
        ttls: { users: 1_000, sessions: 1_000, reports: 1_000, balances: 1_000, blocks: 1_000 },
        memoryBytes: 1_000_000,
        areTtlsTuned: false,
      },
      signIn: { domains: ["localhost"], nonceTtlMs: 60_000, noncesPerMinute: 9 },
      maxWaitMs: 1_000,
    },
  });
  parts.defer(() => app.close());
  await app.ready();
  const running = parts.move();
  return { app, routes: routesOf(app), [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function methodOf(name: string): "GET" | "POST" | "PUT" | "PATCH" | "DELETE" {
  const found = (["POST", "PUT", "PATCH", "DELETE"] as const).find((method) => method === name.toUpperCase());
  return found ?? "GET";
}

/** `get /v1/events/{id}` and so on, without the pages of `/docs`, `/queues` and `/console`, which have tests of their own. */
function routesOf(app: FastifyInstance): string[] {
  const lines = app.printRoutes({ commonPrefix: false }).split("\n");
  const stack: string[] = [];
  return lines.flatMap((line) => {
    const match = /^([│ ]*)[├└]── (\S*) ?(?:\(([^)]*)\))?/.exec(line);
    if (match === null) return [];
    const [, indent = "", part = "", methods = ""] = match;
    const depth = indent.length / 4;
    stack.splice(depth, stack.length, part);
    const path = stack.join("").replace(/:(\w+)/g, "{$1}");
    if (/^\/(docs|queues|console)\b/.test(path)) return [];
    return methods
      .split(", ")
      .filter((method) => ["GET", "POST", "DELETE", "PUT", "PATCH"].includes(method))
      .map((method) => `${method.toLowerCase()} ${path}`);
  });
}
