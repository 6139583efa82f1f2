import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { connectPostgres, identifier, type Postgres, statement } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { readComposeFile, serviceOf } from "./compose-file.ts";
import { runService } from "./service-process.ts";

const file = readComposeFile({ POSTGRES_PASSWORD: "a1b2c3" });
const countEvents = statement<[], { events: number }>(
  "test.count_events",
  "SELECT count(*)::int AS events FROM telemetry_events",
);

test("the services' commands migrate an empty database, bring accepted events in, and drain at SIGTERM", async () => {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createEmptyDatabase());
  const redis = parts.use(await createTestRedis());
  const servers = { DATABASE_URL: database.url, QUEUE_REDIS_URL: redis.url, QUEUE_PREFIX: redis.prefix };
  const run = (name: string, others: Record<string, string> = {}) =>
    parts.use(runService(serviceOf(file, name), { ...servers, ...others }));

  expect(await run("migrate").ended).toMatchObject({ code: 0 });
  expect(await run("migrate").ended).toMatchObject({ code: 0 });
  const { command: _, ...api } = serviceOf(file, "api");
  const createKey = ["node", "apps/cli/src/main.ts", "keys", "create", "--name", "test", "--scope", "ingest", "--json"];
  const created = await parts.use(runService({ ...api, command: createKey }, servers)).ended;
  const { key } = JSON.parse(created.output) as { key: string }; // documented by --json

  const ports = { api: await freePort(), workers: [await freePort(), await freePort()] };
  const serving = run("api", { PORT: `${ports.api}` });
  const working = ports.workers.map((port) => run("worker", { OPS_PORT: `${port}` }));
  await Promise.all([serving, ...working].map(({ ready }) => ready));
  expect(await healthOf("api", "PORT", ports.api)).toBe(0);
  for (const port of ports.workers) expect(await healthOf("worker", "OPS_PORT", port)).toBe(0);

  const event = { source: "test", type: "compose.checked", data: { isHere: true } };
  const sent = 200;
  const replies = await Promise.all(
    Array.from({ length: sent }, async (_unused, at) => {
      const reply = await fetch(`http://127.0.0.1:${ports.api}/v1/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ ...event, id: `${at}` }),
      });
      await reply.body?.cancel();
      return reply.status;
    }),
  );
  expect(new Set(replies)).toEqual(new Set([202]));

  working[0]?.stop(); // drains what it holds; the other does the rest
  await expect.poll(() => storedIn(database.db), { timeout: 20_000 }).toBe(sent);
  const silent = connect(ports.api, "127.0.0.1"); // as browsers and balancers open them in advance
  silent.on("error", () => {});
  parts.defer(() => void silent.destroy());
  await once(silent, "connect");
  serving.stop();
  working[1]?.stop();
  for (const service of [serving, ...working]) {
    const { code, output } = await service.ended;
    expect(code, output).toBe(0);
  }
  expect(await storedIn(database.db)).toBe(sent);
});

async function createEmptyDatabase(): Promise<{ readonly url: string; readonly db: Postgres } & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const owner = parts.use(await createTestDatabase());
  const url = new URL(owner.url);
  url.pathname = `${url.pathname}_empty`;
  const name = identifier(url.pathname.slice(1));
  await owner.db.run(statement<[], never>("test.create_empty", `CREATE DATABASE ${name} TEMPLATE template0`), []);
  parts.defer(async () => {
    await owner.db.run(statement<[], never>("test.drop_empty", `DROP DATABASE ${name} WITH (FORCE)`), []);
  });
  const db = parts.use(await connectPostgres({ url: url.href, applicationName: "millrace test", minConnections: 0 }));
  const open = parts.move();
  return { url: url.href, db, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

async function storedIn(db: Postgres): Promise<number | undefined> {
  const [row] = await db.rows(countEvents, []);
  return row?.events;
}

/** The exit code of a service's own health check, with its port replaced. */
async function healthOf(name: string, variable: string, port: number): Promise<number | null> {
  const { healthcheck, environment } = serviceOf(file, name);
  const [, ...command] = healthcheck?.test ?? [];
  const replaced = command.map((word) => word.replace(`:${environment?.[variable]}/`, `:${port}/`));
  const { code } = await runService({ command: replaced }, {}).ended;
  return code;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // of a TCP server
  server.close();
  return port;
}
