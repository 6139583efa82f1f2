import { randomUUID } from "node:crypto";
import { countedTogether, type Postgres, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { collectServerStatements, noteEvictions, startStatementMonitor, takeSample } from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createBrowserApp, developmentKey } from "../browser/testing/browser-app.ts";
import { registerDatabaseHealth } from "./health-routes.ts";
import { registerQueryAnalysis } from "./query-routes.ts";

const resources = new AsyncDisposableStack();
let db: Postgres;
let app: FastifyInstance;
beforeAll(async () => {
  ({ db } = resources.use(await createTestDatabase()));
  app = await createBrowserApp(db);
  resources.defer(() => app.close());
  registerQueryAnalysis(app, { db });
  registerDatabaseHealth(app, {
    db,
    partitionedTable: "telemetry_events",
    diskBytes: undefined,
    maxConnections: 5,
    replicas: { state: () => [] },
  });
  await app.ready();
  await collectServerStatements(db); // where counting begins
  await runStatements();
  await collectServerStatements(db);
}, 60_000);
afterAll(() => resources.disposeAsync());

const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
const sleepOnce = statement<[], unknown>("test.slowest", "SELECT pg_sleep(0.12)");
const sleepOften = statement<[], unknown>("test.costliest", "SELECT pg_sleep(0.06) FROM users LIMIT 1");
const readOne = statement<[n: number], unknown>("test.most_called", "SELECT $1::int AS n");
const readMany = statement<[], unknown>("test.most_rows", "SELECT * FROM generate_series(1, 5000) AS n");
const sortMuch = statement<[], unknown>(
  "test.most_io",
  "SELECT count(*)::int FROM (SELECT repeat(n::text, 20) AS t FROM generate_series(1, 20000) AS n ORDER BY t OFFSET 0) AS s",
);

async function runStatements(): Promise<void> {
  await command("INSERT INTO users (address) SELECT '0x' || lpad(to_hex(n), 40, '0') FROM generate_series(1, 9) AS n");
  const onError = (error: unknown): void => {
    throw error;
  };
  await using _monitor = startStatementMonitor({ db, app: "test", process: randomUUID(), everyMs: 20, onError });
  await db.rows(sleepOnce, []);
  for (let n = 0; n < 4; n += 1) await db.rows(sleepOften, []);
  await countedTogether(async () => {
    for (let n = 0; n < 60; n += 1) await db.rows(readOne, [n]);
  });
  await db.rows(readMany, []);
  await db.transaction(async (tx) => {
    await tx.run(statement<[], never>("test.command", "SET LOCAL work_mem = '64kB'"), []);
    await tx.rows(sortMuch, []);
  });
  const plans = "SELECT count(*)::int AS n FROM statement_plans WHERE statement = 'test.costliest'";
  await vi.waitFor(async () => {
    expect(await db.rows(statement<[], { n: number }>("test.plans", plans), [])).toEqual([{ n: 1 }]);
  });
}

async function get(path: string) {
  const response = await app.inject({ url: path, headers: { authorization: `Bearer ${developmentKey}` } });
  return { code: response.statusCode, type: response.headers["content-type"], body: response.json() };
}

/** The names of our own statements in the order of the answer, without what the monitor itself ran. */
async function namesBy(query: string): Promise<string[]> {
  const { code, body } = await get(`/database/query-analysis?window=1h&limit=500&${query}`);
  expect(code).toBe(200);
  return body.statements
    .map(({ statement }: { statement: string }) => statement)
    .filter((name: string) => /^test\.(slowest|costliest|most)/.test(name));
}

test("statements come in the order asked for, the greatest first, and no more than asked for", async () => {
  expect((await namesBy("sort=total"))[0]).toBe("test.costliest");
  expect(await namesBy("")).toEqual(await namesBy("sort=total"));
  expect((await namesBy("sort=mean"))[0]).toBe("test.slowest");
  expect((await namesBy("sort=p95"))[0]).toBe("test.slowest");
  expect((await namesBy("sort=calls"))[0]).toBe("test.most_called");
  expect((await namesBy("sort=rows"))[0]).toBe("test.most_rows");
  expect((await namesBy("sort=io"))[0]).toBe("test.most_io");
  const { body } = await get("/database/query-analysis?sort=rows&limit=1");
  expect(body.statements).toHaveLength(1);
  expect(body.plans).toEqual([]);
});

test("one statement is told with its plans, and with what the server counted", async () => {
  const { body } = await get("/database/query-analysis?statement=test.costliest");
  expect(body.statements).toMatchObject([{ statement: "test.costliest", calls: 4, rows: 4, server: { calls: 4 } }]);
  expect(body.statements[0].server.total_ms).toBeGreaterThan(4 * 60);
  expect(body.statements[0].p95_ms).toBeGreaterThan(57);
  expect(body.plans).toMatchObject([{ plan: { "Node Type": "Limit" }, parameters: [], slow: true, seen: 1 }]);
  expect((await get("/database/query-analysis?statement=no.such")).body).toMatchObject({ statements: [], plans: [] });
});

test("what is called again and again within a request is suspected, and nothing else", async () => {
  const { body } = await get("/database/query-analysis");
  expect(body.read_row_by_row).toEqual([{ statement: "test.most_called", repeated: 50, calls: 60 }]);
});

test("a statement that got slower with another plan is told with both plans", async () => {
  expect((await get("/database/query-analysis?window=1h")).body.regressions).toEqual([]);
  await command(`INSERT INTO statement_plans (statement, plan_hash, plan, parameters, duration_ms, is_slow)
                 VALUES ('test.worse', 'a', '{"Node Type": "Index Scan"}', '[]', 1, false),
                        ('test.worse', 'b', '{"Node Type": "Seq Scan"}', '[]', 90, true)`);
  await command(`INSERT INTO statement_plan_changes (statement, plan_before, plan_after, changed_at)
                 VALUES ('test.worse', 'a', 'b', now() - interval '20 minutes')`);
  await command(`INSERT INTO statement_minutes (minute, process, app, statement, calls, rows, total_ms, repeated, durations)
                 SELECT date_trunc('minute', now()) - ago * interval '1 minute', 'p', 'a', 'test.worse', 40, 0, ms, 0, '{}'
                   FROM (VALUES (30, 400), (10, 4000)) AS m(ago, ms)`);
  const { body } = await get("/database/query-analysis?window=1h");
  expect(body.regressions).toMatchObject([
    {
      statement: "test.worse",
      mean_before_ms: 10,
      mean_after_ms: 100,
      plan_before: { "Node Type": "Index Scan" },
      plan_after: { "Node Type": "Seq Scan" },
    },
  ]);
  expect((await get("/database/query-analysis?window=5m")).body.regressions).toEqual([]);
});

test("what the server forgot between two samples is told", async () => {
  for (const more of [0, 7]) {
    const { taken_at } = await takeSample(db);
    await noteEvictions(db, taken_at);
    await command(`UPDATE database_samples SET sample = jsonb_set(sample, '{statements_evicted_total}', '${100 + more}')
                    WHERE taken_at = (SELECT max(taken_at) FROM database_samples)`);
  }
  expect((await get("/database/query-analysis")).body.server_evictions).toBe(7);
});

test.each([
  "query-analysis?sort=worst",
  "query-analysis?sort=total&sort=mean",
  "query-analysis?window=0m",
  "query-analysis?window=1e9d",
  "query-analysis?window=-5m",
  "query-analysis?window=15",
  "query-analysis?window=1000d",
  "query-analysis?window=",
  "query-analysis?limit=0",
  "query-analysis?limit=abc",
  "query-analysis?limit=1.5",
  "query-analysis?limit=501",
  "query-analysis?limit=",
  `query-analysis?statement=${"x".repeat(201)}`,
  "query-analysis?statement=%00",
  "query-analysis?order=total",
  "metrics?window=0m",
  "metrics?window=1w",
  "metrics?windows=15m",
])("/database/%s is answered with what is wrong with it", async (path) => {
  const { code, type, body } = await get(`/database/${path}`);
  const parameter = /[?&](\w+)=[^&]*$/.exec(path)?.[1];
  expect([code, type]).toEqual([400, "application/problem+json; charset=utf-8"]);
  expect(body).toMatchObject({ type: "/problems/invalid_request", status: 400 });
  expect(body.detail).toContain(parameter);
});
