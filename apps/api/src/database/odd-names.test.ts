import { randomBytes } from "node:crypto";
import { connectPostgres, identifier, type Postgres, statement } from "@millrace/db";
import { createTestDatabase, createTestRedis, type TestDatabase } from "@millrace/embedded/testing";
import { connectQueues } from "@millrace/jobs";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBrowserApp, developmentKey } from "../browser/testing/browser-app.ts";
import { registerDatabase } from "./database-routes.ts";

const resources = new AsyncDisposableStack();
let database: TestDatabase;
let db: Postgres;
let app: FastifyInstance;
beforeAll(async () => {
  database = resources.use(await createTestDatabase());
  ({ db } = database);
  const redis = resources.use(await createTestRedis());
  const queues = resources.use(await connectQueues({ ...redis, onError: () => {} }));
  app = await createBrowserApp(db);
  resources.defer(() => app.close());
  registerDatabase(app, {
    db,
    queues,
    diskBytes: undefined,
    maxConnections: 5,
    alertRules: [],
    replicas: { state: () => [], askEach: async () => [] },
  });
  await app.ready();
}, 60_000);
afterAll(() => resources.disposeAsync());

const paths = ["health", "connections", "indexes", "partitions", "metrics", "maintenance", "query-analysis"];
const command = (text: string) => db.run(statement<[], never>("test.command", text), []);

async function get(path: string) {
  const response = await app.inject({ url: path, headers: { authorization: `Bearer ${developmentKey}` } });
  expect(response.statusCode, path).toBe(200);
  return response.json();
}

test.each([
  ['weird "name" ü', "01"],
  ["a'b\\c;--%$1", "03"],
  ["x".repeat(58), "05"],
  ["select", "07"],
])(
  "a table, indexes, a partition, a role and an application called %j are told like all others",
  async (name, month) => {
    const named = (end: string): string => identifier(name + end);
    await command(`CREATE TABLE ${named("")} (n int, "m "" é" int)`);
    await command(`INSERT INTO ${named("")} SELECT n, n FROM generate_series(1, 100) AS n`);
    await command(`CREATE INDEX ${named("_1")} ON ${named("")} ("m "" é")`);
    await command(`CREATE INDEX ${named("_2")} ON ${named("")} ("m "" é")`);
    await command(`CREATE TABLE ${named("_p")} PARTITION OF telemetry_events
                 FOR VALUES FROM ('1990-${month}-01Z') TO ('1990-${month}-28Z')`);
    const role = `${name.slice(0, 40)} ${randomBytes(4).toString("hex")}`;
    await command(`CREATE ROLE ${identifier(role)} LOGIN SUPERUSER PASSWORD 'secret'`);
    const url = new URL(database.url);
    url.username = encodeURIComponent(role);
    url.password = "secret";
    const waits: Promise<unknown>[] = [];
    {
      await using other = await connectPostgres({ url: url.href, applicationName: name, minConnections: 0 });
      await other.transaction(async (tx) => {
        await tx.run(statement<[], never>("test.lock", `LOCK TABLE ${named("")} IN ACCESS EXCLUSIVE MODE`), []);
        waits.push(command(`SELECT 1 FROM ${named("")}`));
        await expect.poll(async () => (await get("/database/connections")).blocking).toHaveLength(2);
        const { idle_in_transaction } = await get("/database/connections");
        expect(idle_in_transaction).toMatchObject([{ role, last_statement: expect.stringContaining(named("")) }]);
        // Whoever locks a table keeps nobody from being told of the others, nor of who is in the way.
        for (const path of paths) await get(`/database/${path}`);
      });
    }
    await Promise.all(waits);
    for (const path of paths) await get(`/database/${path}`);
    expect((await get("/database/indexes")).findings).toMatchObject([
      { kind: "duplicate", statements: [`DROP INDEX CONCURRENTLY ${named("_2")}`] },
    ]);
    await command(`DROP TABLE ${named("")}, ${named("_p")}`);
    await command(`DROP ROLE ${identifier(role)}`);
  },
);
