import { createKey, type Scope } from "@millrace/access";
import { createTestDatabase, createTestRedis, openWay, type TestRedis } from "@millrace/embedded/testing";
import { connectQueues, type Queues } from "@millrace/jobs";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { expect, test } from "vitest";
import { z } from "zod";
import { createBrowserApp, developmentKey } from "../browser/testing/browser-app.ts";
import { registerQueues } from "./queue-routes.ts";

interface World extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly queues: Queues;
  readonly redis: TestRedis;
  /** The routes of the dashboard, as `PUT /queues/api/queues/ingest/pause`. */
  readonly routes: readonly string[];
  /** Calls as a browser whose session has the scope. */
  as(scope: Scope, call: string, body?: object): Promise<LightMyRequestResponse>;
}

async function openWorld(wayTo: (url: string) => string = (url) => url): Promise<World> {
  await using parts = new AsyncDisposableStack();
  const { db } = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const queues = parts.use(
    await connectQueues({ url: wayTo(redis.url), prefix: redis.prefix, ingestQueues: 2, onError: () => {} }),
  );
  const app = await createBrowserApp(db);
  parts.defer(() => app.close());
  const routes: string[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const name of [method].flat()) routes.push(`${name} ${filledIn(url)}`);
  });
  await registerQueues(app, { queues });
  await app.ready();
  const cookies = new Map<Scope, string>();
  const cookieOf = async (scope: Scope): Promise<string> => {
    const { key } = await createKey(db, { name: scope, scopes: [scope] });
    const headers = { "sec-fetch-site": "same-origin", "content-type": "application/json" };
    const reply = await app.inject({ method: "POST", url: "/session", headers, body: JSON.stringify({ key }) });
    return String(reply.headers["set-cookie"]).split(";", 1)[0] ?? "";
  };
  const open = parts.move();
  return {
    app,
    queues,
    redis,
    routes,
    async as(scope, call, body) {
      const cookie = cookies.get(scope) ?? (await cookieOf(scope));
      cookies.set(scope, cookie);
      return await app.inject({
        ...targetOf(call),
        headers: { cookie, "sec-fetch-site": "same-origin", ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
      });
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function targetOf(call: string) {
  const [method, url = ""] = call.split(" ") as ["GET" | "HEAD" | "PUT" | "POST" | "PATCH", string];
  return { method, url };
}

const filledIn = (url: string): string =>
  url.replace(":queueName", ingest).replace(":queueStatus", "failed").replace(/:\w+/g, "1").replace("*", "favicon.ico");
const ingest = encodeURIComponent("ingest 1 of 2");
const isReading = (route: string): boolean => /^(GET|HEAD) /.test(route);

const listed = z.object({
  queues: z.array(
    z.object({
      name: z.string(),
      readOnlyMode: z.boolean(),
      isPaused: z.boolean(),
      counts: z.record(z.string(), z.number()),
      jobs: z.array(z.object({ id: z.string(), data: z.record(z.string(), z.unknown()) })),
    }),
  ),
});

const listIn = async (world: World, scope: Scope, query = "") =>
  listed.parse((await world.as(scope, `GET /queues/api/queues${query}`)).json()).queues;

/** A job with as much as an ingest job may hold. */
const rows = `${"row\tof\tann@example.org\n".repeat(11_000)}`;
const addIngestJob = (queues: Queues) =>
  queues.enqueue("importEvents", { rows, count: 11_000, months: ["2026-11"], receivedAt: 1_795_772_677_586 });

test("every route needs a key: one for read to look, one for admin for the rest", async () => {
  await using world = await openWorld();
  expect(world.routes.filter((route) => !isReading(route)).length).toBeGreaterThan(20);
  expect(world.routes.filter(isReading).length).toBeGreaterThan(20);
  for (const route of world.routes) {
    expect([route, (await world.app.inject(targetOf(route))).statusCode]).toEqual([route, 401]);
    for (const scope of ["ingest", "write"] as const) {
      expect([route, (await world.as(scope, route)).statusCode]).toEqual([route, 403]);
    }
    const asReader = await world.as("read", route);
    if (isReading(route)) expect([200, 404], route).toContain(asReader.statusCode);
    else expect([route, asReader.statusCode, asReader.json().type]).toEqual([route, 403, "/problems/scope_missing"]);
  }
});

test("whoever opens it without a session is sent to the sign-in", async () => {
  await using world = await openWorld();
  for (const url of ["/queues", "/queues/queue/upkeep?status=failed"]) {
    const { statusCode, headers } = await world.app.inject({ url, headers: { accept: "text/html" } });
    expect([statusCode, headers.location]).toEqual([303, `/sign-in?next=${encodeURIComponent(url)}`]);
  }
});

test("its page names no other host, and its files are there", async () => {
  await using world = await openWorld();
  const { body, headers } = await world.as("read", "GET /queues");
  expect(body).not.toMatch(/(?:href|src)="(?:\w+:)?\/\//);
  expect(headers["content-security-policy"]).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';.* base-uri 'self'; frame-ancestors 'none'$/,
  );
  const files = [...body.matchAll(/(?:href|src)="((?:static|theme)[^"]*)"/g)].flatMap(([, path]) => path ?? []);
  expect(files.length).toBeGreaterThan(4);
  for (const file of files)
    expect([file, (await world.as("read", `GET /queues/${file}`)).statusCode]).toEqual([file, 200]);
  for (const file of ["static/..%2findex.ejs", "static/%2e%2e/index.ejs", "static/../../package.json"]) {
    expect((await world.as("read", `GET /queues/${file}`)).statusCode).toBe(404);
  }
});

test("all queues are shown, also those that somebody else begins to fill later", async () => {
  await using world = await openWorld();
  const names = async () => (await listIn(world, "read")).map(({ name }) => name).toSorted();
  expect(await names()).toEqual(["ingest 1 of 2", "ingest 2 of 2", "upkeep", "writes"]);
  await using _later = await connectQueues({ ...world.redis, ingestQueues: 1, onError: () => {} });
  expect(await names()).toEqual(["ingest", "ingest 1 of 2", "ingest 2 of 2", "upkeep", "writes"]);
});

test("a reader sees queues that are read-only; an admin pauses, resumes and removes", async () => {
  await using world = await openWorld();
  await world.queues.runNow("expired.clean_up");
  const forReader = await listIn(world, "read", "?activeQueue=upkeep&status=waiting");
  expect(forReader.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
  const [job] = forReader.find(({ name }) => name === "upkeep")?.jobs ?? [];
  expect((await listIn(world, "admin")).some(({ readOnlyMode }) => readOnlyMode)).toBe(false);

  const upkeep = async () => (await listIn(world, "read")).find(({ name }) => name === "upkeep");
  await world.as("read", "PUT /queues/api/queues/upkeep/pause");
  expect((await upkeep())?.isPaused).toBe(false);
  expect((await world.as("admin", "PUT /queues/api/queues/upkeep/pause")).statusCode).toBe(200);
  expect((await upkeep())?.isPaused).toBe(true);
  expect((await world.as("admin", "PUT /queues/api/queues/upkeep/resume", {})).statusCode).toBe(200);
  expect((await upkeep())?.isPaused).toBe(false);
  expect((await upkeep())?.counts).toMatchObject({ waiting: 1 });
  expect((await world.as("admin", `PUT /queues/api/queues/upkeep/${job?.id}/clean`)).statusCode).toBe(204);
  expect((await upkeep())?.counts).toMatchObject({ waiting: 0 });
});

test("what another site has a browser do is refused; a key in the header is enough", async () => {
  await using world = await openWorld();
  const call = targetOf("PUT /queues/api/queues/upkeep/pause");
  const signedIn = await world.app.inject({
    method: "POST",
    url: "/session",
    headers: { "sec-fetch-site": "same-origin", "content-type": "application/json" },
    body: JSON.stringify({ key: developmentKey }),
  });
  const cookie = String(signedIn.headers["set-cookie"]).split(";", 1)[0] ?? "";
  const forged = await world.app.inject({ ...call, headers: { cookie, "sec-fetch-site": "cross-site" } });
  expect([forged.statusCode, forged.json().type]).toEqual([403, "/problems/cross_site_request"]);
  expect((await listIn(world, "read")).some(({ isPaused }) => isPaused)).toBe(false);
  const authorization = `Bearer ${developmentKey}`;
  expect((await world.app.inject({ ...call, headers: { authorization } })).statusCode).toBe(200);
});

test("of an ingest job's rows only the beginning is shown, and none can be written back", async () => {
  await using world = await openWorld();
  await addIngestJob(world.queues);
  await addIngestJob(world.queues);
  const list = `GET /queues/api/queues?activeQueue=${encodeURIComponent(ingest)}&status=waiting`;
  for (const call of [list, `GET /queues/api/queues/${ingest}/1`]) {
    const { body } = await world.as("admin", call);
    expect(body.length).toBeLessThan(6_000);
    expect(body.match(/ann@example\.org/g)?.length).toBeLessThan(12);
  }
  const before = (await world.as("read", `GET /queues/api/queues/${ingest}/1`)).json().job;
  expect(before.data).toEqual({
    count: 11_000,
    months: ["2026-11"],
    receivedAt: 1_795_772_677_586,
    bytes: Buffer.byteLength(rows),
    beginning: `${rows.slice(0, 200)}…`,
  });
  const jobData = before.data;
  for (const [call, body] of [
    [`PATCH /queues/api/queues/${ingest}/1/update-data`, { jobData }],
    [`POST /queues/api/queues/${ingest}/add`, { name: "events.import", data: jobData, options: {} }],
  ] as const) {
    const { statusCode, json } = await world.as("admin", call, body);
    expect([statusCode, json().type]).toEqual([403, "/problems/payload_shortened"]);
  }
  expect((await world.as("read", `GET /queues/api/queues/${ingest}/1`)).json().job).toEqual(before);
});

test("a request cannot have more jobs read than fit on a page", async () => {
  await using world = await openWorld();
  for (let n = 0; n < 25; n += 1) await world.queues.runNow("expired.clean_up");
  const upkeep = (await listIn(world, "read", "?activeQueue=upkeep&status=waiting&jobsPerPage=1000")).find(
    ({ name }) => name === "upkeep",
  );
  expect(upkeep?.counts).toMatchObject({ waiting: 25 });
  expect(upkeep?.jobs).toHaveLength(20);
});

test("while Redis is away the answer says so, and comes at once", async () => {
  await using redis = await createTestRedis();
  await using parts = new AsyncDisposableStack();
  const way = parts.use(await openWay(redis.url));
  await using world = await openWorld(() => way.url);
  expect((await world.as("read", "GET /queues/api/queues")).statusCode).toBe(200);
  await parts.disposeAsync();
  const { statusCode, json } = await world.as("read", "GET /queues/api/queues");
  expect([statusCode, json().type]).toEqual([503, "/problems/queue_unavailable"]);
});
