import { expect, test } from "vitest";
import { type Api, startFleet } from "./fleet.ts";

const ann = `0x${"a1".repeat(20)}`;
const body = { display_name: "Ann" };
const waiting = { prefer: "wait=10" };

/** How often a statement was run by the process. */
async function runsOf(api: Api, statement: string): Promise<number> {
  const { body } = await api.call("GET", "/metrics");
  const line = new RegExp(`^millrace_statement_duration_seconds_count{[^}]*statement="${statement}"[^}]*} (\\d+)`, "m");
  return Number(line.exec(String(body["text"]))?.[1] ?? 0);
}

const isFresh = async (api: Api): Promise<unknown> =>
  (await api.call("GET", "/database/cache-stats")).body["serves_from_memory"];

test("while Redis gives no answer reads come from the database in time, and writes are refused with when to come back", async () => {
  await using fleet = await startFleet({ byWay: "both", environment: { CACHE_LEASE_MS: "300" } });
  const [api] = fleet.apis as [Api];
  await api.call("PUT", `/v1/users/${ann}`, { body, headers: waiting });
  await expect.poll(() => isFresh(api), { timeout: 10_000 }).toBe(true);

  fleet.way.hold();
  await expect.poll(() => isFresh(api), { timeout: 10_000 }).toBe(false);
  const took: number[] = [];
  for (let n = 0; n < 50; n += 1) {
    const startedAt = performance.now();
    expect(await api.call("GET", `/v1/users/${ann}`)).toMatchObject({ status: 200, body });
    took.push(performance.now() - startedAt);
  }
  // Each waits for an answer at most as long as CACHE_TIMEOUT_MS says; after a few the breaker spares them that.
  expect(took.toSorted((a, b) => a - b)[25]).toBeLessThan(50);
  const refused = await api.call("PUT", `/v1/users/${ann}`, { body: { display_name: "Eve" } });
  expect(refused).toMatchObject({ status: 503, body: { type: "/problems/queue_unavailable" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);

  fleet.way.release();
  await expect
    .poll(async () => (await api.call("PUT", `/v1/users/${ann}`, { body, headers: waiting })).status, {
      timeout: 20_000,
    })
    .toBe(200);
}, 60_000);

test("when the cache's Redis is back, each process asks the database once for a key that all want", async () => {
  await using fleet = await startFleet({ apis: 2, byWay: "cache", environment: { CACHE_LEASE_MS: "300" } });
  const [one, other] = fleet.apis as [Api, Api];
  await one.call("PUT", `/v1/users/${ann}`, { body, headers: waiting });
  fleet.way.hold();
  for (const api of fleet.apis) {
    await expect.poll(() => isFresh(api), { timeout: 10_000 }).toBe(false);
    expect(await api.call("GET", `/v1/users/${ann}`)).toMatchObject({ status: 200, body });
  }
  // The write is applied, and not called done before the old value is gone from everywhere.
  const write = await one.call("PUT", `/v1/users/${ann}`, {
    body: { display_name: "Annie" },
    headers: { prefer: "wait=1" },
  });
  expect(write.status).toBe(202);
  for (const api of fleet.apis) {
    expect((await api.call("GET", `/v1/users/${ann}`)).body).toMatchObject({ display_name: "Annie" });
  }

  fleet.way.release();
  for (const api of fleet.apis) await expect.poll(() => isFresh(api), { timeout: 20_000 }).toBe(true);
  await one.call("POST", "/database/cache/clear", { body: { namespace: "users" } });
  const before = await Promise.all(fleet.apis.map((api) => runsOf(api, "users.get_by_address")));
  await Promise.all(Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? one : other).call("GET", `/v1/users/${ann}`)));
  const after = await Promise.all(fleet.apis.map((api) => runsOf(api, "users.get_by_address")));
  const queries = after.map((count, at) => count - (before[at] ?? 0));
  expect(Math.max(...queries)).toBeLessThanOrEqual(1);
  expect(queries.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
}, 60_000);
