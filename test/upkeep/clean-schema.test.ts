import { statement } from "@millrace/db";
import { findIndexProblems } from "@millrace/upkeep";
import { expect, test } from "vitest";
import { addressOf, createMix, users } from "../../bench/workload/mix.ts";
import { type Api, startFleet } from "../domain/fleet.ts";

const rows = 60_000;
const fill = [
  `INSERT INTO users (address, display_name) SELECT '0x' || lpad(to_hex(n), 40, '0'), 'User ' || n FROM generate_series(1, ${users}) AS n`,
  `INSERT INTO balances (address, asset, amount) SELECT address, 'wei', 1 FROM users`,
  `INSERT INTO sessions (id, a_addr, b_addr, state, created_at, started_at, ended_at, expires_at, end_reason)
   SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
          '0x' || lpad(to_hex(1 + n % ${users}), 40, '0'), '0x' || lpad(to_hex(1 + (n + 1) % ${users}), 40, '0'), 'ended',
          now() - n * interval '1 minute', now() - n * interval '1 minute', now(), now() + interval '1 day', 'hung_up'
     FROM generate_series(1, ${users * 5}) AS n`,
];

test("after the product's own load there is no finding about the schema, and its health is sound", async () => {
  // Without memory and for a second only, so that reads reach the database.
  const environment = { CACHE_MEMORY_BYTES: "0", CACHE_USERS_TTL_SECONDS: "1", CACHE_SESSIONS_TTL_SECONDS: "1" };
  await using fleet = await startFleet({ apis: 1, workers: 1, environment });
  const [api] = fleet.apis as [Api];
  for (const text of fill) await fleet.db.run(statement<[], never>("test.fill", text), []);

  const statuses = new Set<number>();
  const inParallel = async (count: number, work: (n: number) => Promise<{ status: number }>): Promise<void> => {
    let next = 0;
    const one = async (): Promise<void> => {
      for (let n = next++; n < count; n = next++) statuses.add((await work(n)).status);
    };
    await Promise.all(Array.from({ length: 12 }, one));
  };
  const now = Date.now();
  const eventOf = (n: number) => ({
    source: `/plants/${n % 40}/press`,
    type: `press.cycle.${n % 7}`,
    subject: `line-${n % 300}`,
    time: new Date(now - (n % 40) * 86_400_000).toISOString(),
    data: { n, text: "x".repeat(n % 100) },
  });
  await inParallel(rows / 1_000, (batch) =>
    api.call("POST", "/v1/events", { body: Array.from({ length: 1_000 }, (_, n) => eventOf(batch * 1_000 + n)) }),
  );
  const stored = statement<[], { n: number }>("test.stored", "SELECT count(*)::int AS n FROM telemetry_events");
  await expect.poll(() => fleet.db.rows(stored, []), { timeout: 60_000 }).toEqual([{ n: rows }]);

  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const mix = createMix(random);
  const from = new Date(now - 3_600_000).toISOString();
  const reads = [
    "/v1/events?limit=100",
    "/v1/events?type=press.cycle.3&limit=100",
    "/v1/events?source=%2Fplants%2F4%2Fpress&limit=100",
    "/v1/events?subject=line-7",
    `/v1/events/stats?from=${from}`,
    "/v1/quarantine",
    "/v1/dead-letters",
    "/v1/reports",
    `/v1/sessions?address=${addressOf(5)}`,
    `/v1/blocks?blocker=${addressOf(5)}`,
    "/database/query-analysis",
    "/database/partitions",
    "/database/metrics",
  ];
  await inParallel(4_000, async (n) => {
    if (n % 20 === 0) return await api.call("GET", reads[(n / 20) % reads.length] ?? "");
    const { method, path, body } = mix();
    return await api.call(method, path, body === undefined ? {} : { body: JSON.parse(body) as unknown });
  });
  expect([...statuses].sort()).toEqual([200, 202]);
  for (const job of [
    "expired.clean_up",
    "security.clean_up",
    "partitions.keep",
    "performance.monitor",
    "indexes.analyse",
  ]) {
    const { status } = await api.call("POST", `/database/maintenance/${job}/run`);
    expect(status).toBe(202);
  }
  const noted = statement<[], { n: number }>(
    "test.noted",
    "SELECT count(DISTINCT statement)::int AS n FROM statement_minutes WHERE statement LIKE 'events%' OR statement LIKE 'sessions%'",
  );
  await expect.poll(async () => (await fleet.db.rows(noted, []))[0]?.n, { timeout: 30_000 }).toBeGreaterThan(5);

  // Also of far less waste than is told of otherwise.
  expect(await findIndexProblems(fleet.db, { minBloatBytes: 500_000 })).toEqual([]);
  expect((await api.call("GET", "/database/indexes")).body).toMatchObject({ findings: [], actions: [] });
  const { body: health } = await api.call("GET", "/database/health");
  const checks = health["checks"] as { readonly id: string; readonly status: string }[];
  expect(checks.filter(({ status }) => status === "warning" || status === "critical")).toEqual([]);
}, 180_000);
