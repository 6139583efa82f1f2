import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Postgres, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { databaseHealth } from "../health/database-health.ts";
import { startPoolFigures } from "../statements/process-figures.ts";
import { startStatementMonitor } from "../statements/statement-monitor.ts";
import { acknowledgeAlert, alertStates, evaluateAlerts, recentAlertEvents, silenceAlert } from "./alert-store.ts";
import { deliverAlerts } from "./deliver.ts";
import { observe } from "./observe.ts";
import { type Observed, rulesWith } from "./rule.ts";
import { targetOf, webhookOf } from "./webhook.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
});
afterEach(() => database[Symbol.asyncDispose]());

const rules = rulesWith([{ id: "dead_letters", for_seconds: 0 }]).filter(({ id }) => id === "dead_letters");
const looking = (value: number) =>
  new Map<Observed, { value: number; samples: number }>([["dead_letters_added", { value, samples: 1 }]]);

async function startReceiver(statusOf: (n: number) => number) {
  const received: { body: string; signature: string | undefined }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      received.push({ body, signature: request.headers["millrace-signature"]?.toString() });
      response.writeHead(statusOf(received.length)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    received,
    url: `http://127.0.0.1:${port}/hook`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

test("what fires and ends is told once to everybody, also when several look, and again until it is taken", async () => {
  await using receiver = await startReceiver((n) => (n === 1 ? 503 : 200));
  const webhooks = [receiver.url, `slack+${receiver.url}/slack`, `alertmanager+${receiver.url}/am`].map((text) => {
    const webhook = webhookOf(text);
    if (webhook === undefined) throw new Error(text);
    return webhook;
  });
  const targets = webhooks.map(targetOf);
  const looks = await Promise.all(Array.from({ length: 3 }, () => evaluateAlerts(db, rules, looking(5), targets)));
  expect(looks.flat()).toMatchObject([{ rule: "dead_letters", event: "firing", value: 5 }]);
  const options = { webhooks, secret: "shared" };
  expect(await deliverAlerts(db, options)).toBe(2);
  expect(await deliverAlerts(db, options)).toBe(0); // the one that failed waits
  await db.run(statement<[], never>("test.hurry", "UPDATE alert_deliveries SET next_at = now()"), []);
  expect(await deliverAlerts(db, options)).toBe(1);
  expect(receiver.received).toHaveLength(4);
  const [first, slack, manager] = receiver.received;
  expect(JSON.parse(first?.body ?? "")).toMatchObject({ rule: "dead_letters", event: "firing", severity: "warning" });
  const [, at, mac] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(first?.signature ?? "") ?? [];
  expect(mac).toBe(createHmac("sha256", "shared").update(`${at}.${first?.body}`).digest("hex"));
  expect(JSON.parse(slack?.body ?? "")).toEqual({ text: expect.stringContaining("*dead_letters* firing") });
  expect(JSON.parse(manager?.body ?? "")).toMatchObject([
    { labels: { alertname: "dead_letters" }, startsAt: expect.any(String) },
  ]);

  expect(await evaluateAlerts(db, rules, looking(0), targets)).toMatchObject([{ event: "resolved" }]);
  expect(await deliverAlerts(db, options)).toBe(3);
  expect((await recentAlertEvents(db, 10)).map(({ event }) => event)).toEqual(["resolved", "firing"]);
});

test("who silences an alert is not told of it; who acknowledges one has it noted until it ends", async () => {
  await silenceAlert(db, "dead_letters", new Date(Date.now() + 60_000));
  expect(await evaluateAlerts(db, rules, looking(5), ["json:x"])).toHaveLength(1);
  const due = statement<[], { n: number }>("test.due", "SELECT count(*)::int AS n FROM alert_deliveries");
  expect(await db.rows(due, [])).toEqual([{ n: 0 }]);
  await silenceAlert(db, "dead_letters", null);
  expect(await acknowledgeAlert(db, "dead_letters", "ann")).toMatchObject({ acknowledged_by: "ann" });
  await evaluateAlerts(db, rules, looking(5), []);
  expect(await alertStates(db)).toMatchObject([{ state: "firing", acknowledged_by: "ann", value: 5 }]);
  await evaluateAlerts(db, rules, looking(0), ["json:x"]);
  expect(await alertStates(db)).toMatchObject([{ state: "ok", acknowledged_by: null }]);
  expect(await db.rows(due, [])).toEqual([{ n: 1 }]);
  expect(await acknowledgeAlert(db, "dead_letters", "ann")).toBeUndefined();
});

test("what is observed comes from what the processes and the database say", async () => {
  {
    using pool = startPoolFigures();
    await using _monitor = startStatementMonitor({
      db,
      app: "test",
      process: "test",
      everyMs: 3_600_000,
      figures: () => ({ ...pool.read(), cache_reads: 200, cache_hits: 150 }),
      onError: () => {},
    });
    // The monitor's own statements are counted too: a few dozen beside these hundreds.
    for (let call = 0; call < 450; call += 1) await db.rows(statement<[], unknown>("test.one", "SELECT 1"), []);
    for (let call = 0; call < 50; call += 1) {
      await db.rows(statement<[], unknown>("test.fail", "SELECT 1 / 0"), []).catch(() => {});
    }
  }
  const health = await databaseHealth(db, { partitionedTable: "telemetry_events" });
  const looks = await observe({ db, health, oldestJobSeconds: 3, now: new Date() });
  expect(looks.get("query_error_share")).toMatchObject({ value: expect.closeTo(0.1, 1) });
  expect(looks.get("cache_hit_share")).toEqual({ value: 0.75, samples: 200 });
  expect(looks.get("pool_slow_wait_share")?.samples).toBeGreaterThanOrEqual(10);
  expect(looks.get("oldest_job_seconds")?.value).toBe(3);
  expect(looks.get("partition_months_ahead")?.value).toBe(-1);
  expect(looks.get("disk_days_left")?.value).toBeUndefined();
  for (const { value } of rulesWith()) expect(looks.has(value), value).toBe(true);
});

test("an address of a webhook says in whose words it is told", () => {
  expect(webhookOf("slack+https://hooks.example/x")).toEqual({ kind: "slack", url: "https://hooks.example/x" });
  expect(webhookOf("http://127.0.0.1:9093/api/v2/alerts")).toMatchObject({ kind: "json" });
  expect([webhookOf("ftp://x"), webhookOf("teams+https://x"), webhookOf("")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
