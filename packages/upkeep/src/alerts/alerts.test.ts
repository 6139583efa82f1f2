import { createHmac } from "node:crypto";
import { connectPostgres, type Postgres, type QueryEvent, queryEvents, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { Ajv } from "ajv";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { startStatementMonitor } from "../statements/statement-monitor.ts";
import { alertStatements } from "./alert-statements.ts";
import {
  acknowledgeAlert,
  alertStates,
  lastLook,
  recentAlertEvents,
  silenceAlert,
  undeliveredAlerts,
} from "./alert-store.ts";
import { deliverAlerts } from "./deliver.ts";
import { evaluateAlerts, type Looks } from "./evaluate.ts";
import { rulesWith } from "./load-rules.ts";
import { observe } from "./observe.ts";
import { createTellOf } from "./receiver.ts";
import { receiversOf } from "./receivers.ts";
import { observedNames } from "./rule.ts";
import { startStandIn } from "./stand-in.ts";
import alertmanagerSchema from "./testing/alertmanager-v2.json" with { type: "json" };
import { startReceiver } from "./testing/receiver-server.ts";
import { type Webhook, webhookOf } from "./webhook.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
});
afterEach(() => database[Symbol.asyncDispose]());

const rules = rulesWith([{ id: "dead_letters", for_seconds: 0 }]).filter(({ id }) => id === "dead_letters");
const tellOf = createTellOf(rules, "https://millrace.example.org");
const silence = (minutes: number) => silenceAlert(db, "dead_letters", { minutes, by: "ann", why: "it is known" });

async function look(value: number | undefined): Promise<Looks> {
  const [{ now: at } = { now: new Date() }] = await db.rows(alertStatements.now, []);
  return { at, values: new Map([["dead_letters_added", { value, samples: 1 }]]) };
}
const evaluate = async (value: number, receivers: readonly string[] = ["x"]) =>
  await evaluateAlerts(db, rules, await look(value), receivers);

const hurry = statement<[], never>(
  "test.hurry",
  "UPDATE alert_deliveries SET next_at = now() WHERE delivered_at IS NULL",
);
const listDue = statement<[], { event: string }>(
  "test.list_due",
  "SELECT event FROM alert_deliveries JOIN alert_events ON id = event_id WHERE delivered_at IS NULL ORDER BY at",
);
const due = async () => (await db.rows(listDue, [])).map(({ event }) => event);

const isAlertmanagers = new Ajv({
  strictTypes: false,
  formats: { "date-time": /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, uri: /^https?:/ },
}).compile(alertmanagerSchema);

function webhooksAt(url: string): Webhook[] {
  return [`${url}/hook`, `slack+${url}/slack`, `alertmanager+${url}/am`].flatMap((text) => webhookOf(text) ?? []);
}

test("what fires and ends is told once to everybody, also when several look, and again until it is taken", async () => {
  await using receiver = await startReceiver(({ path }, n) => ({ status: path === "/hook" && n < 5 ? 503 : 200 }));
  const log: string[] = [];
  const write = (level: string) => (_fields: object, message: string) => void log.push(`${level}: ${message}`);
  const options = { webhooks: webhooksAt(receiver.url), secret: "shared" };
  const receivers = receiversOf({ warn: write("warn"), info: write("info") }, options);
  const ids = receivers.map(({ id }) => id);
  const looks = await Promise.all(Array.from({ length: 3 }, () => evaluate(5, ids)));
  expect(looks.flatMap((one) => one ?? [])).toMatchObject([{ rule: "dead_letters", event: "firing", value: 5 }]);

  const refusals: string[] = [];
  expect(await deliverAlerts(db, receivers, tellOf, ({ message }) => refusals.push(message))).toBe(3);
  expect(refusals).toEqual([
    expect.stringMatching(/^json:[0-9a-f]{16} did not take the alert dead_letters: it answered 503$/),
  ]);
  expect(await undeliveredAlerts(db)).toEqual([
    { receiver: ids[1], waiting: 1, since: expect.any(Date), error: "it answered 503" },
  ]);
  expect(await deliverAlerts(db, receivers, tellOf)).toBe(0); // the one that failed waits
  await db.run(hurry, []);
  expect(await deliverAlerts(db, receivers, tellOf)).toBe(1);
  const at = (path: string) => receiver.received.filter((one) => one.path === path);
  const [first, second] = at("/hook");
  expect(JSON.parse(first?.body ?? "")).toEqual({
    id: expect.any(String),
    rule: "dead_letters",
    event: "firing",
    severity: "warning",
    at: expect.stringMatching(/Z$/),
    value: 5,
    unit: "count",
    summary: expect.any(String),
    runbook: "https://millrace.example.org/runbooks/dead-letters.md#dead_letters",
  });
  expect(second?.body).toBe(first?.body);
  expect(second?.headers["millrace-event-id"]).toBe(JSON.parse(first?.body ?? "").id);
  const signature = String(second?.headers["millrace-signature"]);
  const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(signature) ?? [];
  expect(mac).toBe(createHmac("sha256", "shared").update(`${seconds}.${second?.body}`).digest("hex"));
  expect(Math.abs(Number(seconds) - Date.now() / 1_000)).toBeLessThan(60);

  expect(await evaluate(0, ids)).toMatchObject([{ event: "resolved" }]);
  expect(await deliverAlerts(db, receivers, tellOf)).toBe(4);
  expect((await recentAlertEvents(db, 10)).map(({ event }) => event)).toEqual(["resolved", "firing"]);
  expect(log).toEqual(["warn: alert dead_letters: firing", "info: alert dead_letters: resolved"]);

  const texts = at("/slack").map(({ body }) => JSON.parse(body));
  const link = "<https://millrace.example.org/runbooks/dead-letters.md#dead_letters|What to do>";
  expect(texts).toEqual([
    { text: expect.stringMatching(/^:large_orange_circle: \*dead_letters\* firing: .* \(5 count\) </) },
    { text: expect.stringMatching(/^:white_check_mark: \*dead_letters\* resolved: /) },
  ]);
  expect(texts[0].text).toContain(link);

  // Alertmanager forgets what it is not told again, so that it is told with every look while it fires.
  const alerts = at("/am").map(({ body }) => JSON.parse(body));
  for (const body of alerts) expect([isAlertmanagers(body), isAlertmanagers.errors]).toEqual([true, null]);
  expect(alerts.length).toBeGreaterThanOrEqual(4);
  const labels = { alertname: "dead_letters", severity: "warning", service: "millrace" };
  const startsAt = alerts[0][0].startsAt;
  for (const [one] of alerts.slice(0, -1)) expect(one).toMatchObject({ labels, startsAt });
  expect(alerts.at(-1)).toMatchObject([{ labels, endsAt: expect.stringMatching(/Z$/) }]);
  expect(alerts.at(-1)[0].startsAt).toBeUndefined();
});

test("markup in a summary is no markup for Slack", async () => {
  await using receiver = await startReceiver(() => ({ status: 200 }));
  const [, slack] = receiversOf(
    { warn() {}, info() {} },
    { webhooks: [{ kind: "slack", url: receiver.url }], secret: undefined },
  );
  const event = { id: "1", rule: "r", at: new Date(), event: "firing", severity: "critical", value: null } as const;
  await slack?.take(tellOf({ ...event, summary: "<!channel> a & b" }));
  expect(JSON.parse(receiver.received[0]?.body ?? "")).toEqual({
    text: ":red_circle: *r* firing: &lt;!channel&gt; a &amp; b (no value)",
  });
});

test("what a rule did is told in its order, each receiver for itself, and who asks for time gets it", async () => {
  let isUp = false;
  await using receiver = await startReceiver(({ path }) =>
    path === "/ok" || isUp ? { status: 200 } : { status: 429, headers: { "retry-after": "600" } },
  );
  const webhooks = [`${receiver.url}/ok`, `${receiver.url}/busy`].map((url) => ({ kind: "json", url }) as const);
  const receivers = receiversOf({ warn() {}, info() {} }, { webhooks, secret: undefined }).slice(1);
  const ids = receivers.map(({ id }) => id);
  await evaluate(5, ids);
  await deliverAlerts(db, receivers, tellOf);
  await evaluate(0, ids);
  await deliverAlerts(db, receivers, tellOf);
  const toldAt = (path: string) =>
    receiver.received.filter((one) => one.path === path).map(({ body }) => JSON.parse(body).event);
  expect(toldAt("/ok")).toEqual(["firing", "resolved"]);
  expect(toldAt("/busy")).toEqual(["firing"]); // `resolved` is kept back behind it
  const waits = statement<[], { seconds: number }>(
    "test.waits",
    `SELECT extract(epoch FROM max(next_at) - now())::float8 AS seconds FROM alert_deliveries WHERE delivered_at IS NULL`,
  );
  expect((await db.rows(waits, []))[0]?.seconds).toBeGreaterThan(590);
  isUp = true;
  await db.run(hurry, []);
  expect(await deliverAlerts(db, receivers, tellOf)).toBe(2);
  expect(toldAt("/busy")).toEqual(["firing", "firing", "resolved"]);
});

test("what nobody takes is given up after thirty tries, and what nobody sends after a day", async () => {
  await using receiver = await startReceiver(() => ({ status: 500 }));
  const webhooks = [{ kind: "json", url: receiver.url }] as const;
  const receivers = receiversOf({ warn() {}, info() {} }, { webhooks, secret: undefined }).slice(1);
  await evaluate(5, [...receivers.map(({ id }) => id), "json:gone"]);
  for (let attempt = 0; attempt < 31; attempt += 1) {
    await deliverAlerts(db, receivers, tellOf);
    await db.run(hurry, []);
  }
  expect(receiver.received).toHaveLength(30);
  expect(await due()).toEqual(["firing"]);
  const age = statement<[], never>("test.age", "UPDATE alert_deliveries SET next_at = now() - interval '25 hours'");
  await db.run(age, []);
  await deliverAlerts(db, receivers, tellOf);
  expect(await due()).toEqual([]);
  const errors = statement<[], { error: string }>(
    "test.errors",
    "SELECT error FROM alert_deliveries ORDER BY attempts",
  );
  expect((await db.rows(errors, [])).map(({ error }) => error)).toEqual([
    "nobody sent it for a day",
    "it answered 500",
  ]);
});

test("a receiver that hangs does not keep the others waiting, nor is it told by two at once", async () => {
  const hang = Promise.withResolvers<{ status: number }>();
  await using receiver = await startReceiver(({ path }) => (path === "/hang" ? hang.promise : { status: 200 }));
  const webhooks = [`${receiver.url}/hang`, `${receiver.url}/ok`].map((url) => ({ kind: "json", url }) as const);
  const receivers = receiversOf({ warn() {}, info() {} }, { webhooks, secret: undefined, timeoutMs: 60_000 }).slice(1);
  await evaluate(
    5,
    receivers.map(({ id }) => id),
  );
  const telling = deliverAlerts(db, receivers, tellOf);
  await expect.poll(() => receiver.received.length).toBe(2);
  expect(await deliverAlerts(db, receivers, tellOf)).toBe(0); // another process meanwhile
  expect(receiver.received).toHaveLength(2);
  hang.resolve({ status: 200 });
  expect(await telling).toBe(2);
});

test("who silences an alert is not told of it until that is over; who acknowledges one has it noted until it ends", async () => {
  expect(await silence(60)).toMatchObject({ silenced_by: "ann", silenced_why: "it is known", looked_at: null });
  expect(await evaluate(5)).toHaveLength(1);
  expect(await due()).toEqual([]);
  expect(await silence(0)).toMatchObject({ silenced_until: null, silenced_by: null, silenced_why: null });
  expect(await evaluate(5)).toEqual([]);
  expect(await due()).toEqual(["firing"]); // it still fires, and now that is told

  expect(await acknowledgeAlert(db, "dead_letters", "ann")).toMatchObject({ acknowledged_by: "ann" });
  await evaluate(5);
  expect(await alertStates(db)).toMatchObject([{ state: "firing", acknowledged_by: "ann", value: 5 }]);
  await evaluate(0);
  expect(await alertStates(db)).toMatchObject([{ state: "ok", acknowledged_by: null }]);
  expect(await due()).toEqual(["firing", "resolved"]);
  expect(await acknowledgeAlert(db, "dead_letters", "ann")).toBeUndefined();
});

test("a silence that is over is not shown, and silence also keeps quiet what has ended", async () => {
  await evaluate(5);
  await silence(60);
  await evaluate(0);
  expect(await due()).toEqual(["firing"]);
  const expire = statement<[], never>("test.expire", "UPDATE alerts SET silenced_until = now() - interval '1 second'");
  await db.run(expire, []);
  expect(await alertStates(db)).toMatchObject([{ silenced_until: null, silenced_by: null, silenced_why: null }]);
  await evaluate(0);
  expect(await due()).toEqual(["firing", "resolved"]);
});

test("what was seen before somebody else looked changes nothing any more; a clock that was set back does not stop it", async () => {
  const old = await look(5);
  expect(await evaluate(0)).toEqual([]);
  expect(await evaluateAlerts(db, rules, old, ["x"])).toBeUndefined();
  const ahead = statement<[], never>("test.ahead", "UPDATE alerts SET looked_at = now() + interval '1 hour'");
  await db.run(ahead, []);
  expect(await evaluate(5)).toMatchObject([{ event: "firing" }]);
});

test("while one process is at it another one does nothing", async () => {
  await db.transaction(async (tx) => {
    await tx.rows(alertStatements.lock, []);
    await using other = await connectPostgres({
      url: database.url,
      applicationName: "test",
      maxConnections: 1,
      minConnections: 0,
    });
    expect(await evaluateAlerts(other, rules, await look(5), ["x"])).toBeUndefined();
  });
  expect(await evaluate(5)).toHaveLength(1);
});

test("a rule that is turned off while it fires has ended, for those who were told too", async () => {
  await evaluate(5);
  expect(await evaluateAlerts(db, [], await look(5), ["x"])).toMatchObject([
    { event: "resolved", summary: "The rule was turned off" },
  ]);
  expect([await due(), await alertStates(db)]).toEqual([["firing", "resolved"], []]);
});

const nothingWaits = {
  partitionedTable: "telemetry_events",
  diskBytes: undefined,
  readQueues: async () => ({ oldestWaitMs: 3_000, consumers: 2 }),
};

test("what is observed comes from what the processes, the queue and the database say", async () => {
  {
    await using _monitor = startStatementMonitor({
      db,
      app: "test",
      process: "test",
      everyMs: 3_600_000,
      figures: () => ({
        pool_waits: 40,
        pool_slow_waits: 4,
        cache_reads: 200,
        cache_hits: 150,
        requests: 50,
        request_errors: 5,
      }),
      onError: () => {},
    });
    // The monitor's own statements are counted too: a few dozen beside these hundreds.
    for (let call = 0; call < 450; call += 1) await db.rows(statement<[], unknown>("test.one", "SELECT 1"), []);
    for (let call = 0; call < 50; call += 1) {
      await db.rows(statement<[], unknown>("test.fail", "SELECT 1 / 0"), []).catch(() => {});
      const twice =
        "INSERT INTO job_runs (id, job, queue_job_id, worker) SELECT gen_random_uuid(), 'a', 'b', 'c' FROM generate_series(1, 2)";
      await db.rows(statement<[], unknown>("test.twice", twice), []).catch(() => {});
    }
  }
  const letter = `INSERT INTO dead_letters (queue, job_name, reason_code, message, payload) VALUES ('q', 'j', 'r', 'm', 'p')`;
  await db.run(statement<[], never>("test.letter", letter), []);
  const onError = (error: unknown): never => {
    throw error;
  };
  const { values } = await observe({ ...nothingWaits, db, onError });
  expect(values.get("query_error_share")).toMatchObject({ value: expect.closeTo(50 / 550, 1) });
  expect(values.get("request_error_share")).toEqual({ value: 0.1, samples: 50 });
  expect(values.get("cache_hit_share")).toEqual({ value: 0.75, samples: 200 });
  expect(values.get("pool_slow_wait_share")).toEqual({ value: 0.1, samples: 40 });
  expect(values.get("oldest_job_seconds")?.value).toBe(3);
  expect(values.get("consumers")?.value).toBe(2);
  expect(values.get("queue_away")?.value).toBe(0);
  expect(values.get("dead_letters_added")?.value).toBe(1);
  expect(values.get("partition_months_ahead")?.value).toBe(-1);
  expect(values.get("disk_days_left")?.value).toBeUndefined();
  expect([...values.keys()].toSorted()).toEqual(observedNames.toSorted());
});

test("what cannot be looked at has no value, and the rest is looked at", async () => {
  await db.run(statement<[], never>("test.break", "ALTER TABLE statement_minutes RENAME TO hidden"), []);
  const errors: unknown[] = [];
  const readQueues = (): Promise<never> => Promise.reject(new Error("Redis is away"));
  const { values } = await observe({ ...nothingWaits, db, readQueues, onError: (error) => errors.push(error) });
  expect(errors.map(String)).toEqual([expect.stringContaining("statement_minutes"), "Error: Redis is away"]);
  expect(values.get("query_p95_ms")?.value).toBeUndefined();
  expect(values.get("consumers")?.value).toBeUndefined();
  expect(values.get("queue_away")?.value).toBe(1);
  expect(values.get("connection_share")?.value).toBeGreaterThan(0);
});

test("when nobody has looked for two minutes one of those who can stand in does, and not before", async () => {
  const told: (string | undefined)[] = [];
  let asked = 0;
  const count = (message: unknown): void => {
    if ((message as QueryEvent).name === "alerts.last_look") asked += 1; // the channel carries nothing else
  };
  queryEvents.subscribe(count);
  onTestFinished(() => void queryEvents.unsubscribe(count));
  const standIn = () =>
    startStandIn({
      ...nothingWaits,
      db,
      readQueues: async () => ({ oldestWaitMs: 0, consumers: 0 }),
      rules: rulesWith([{ id: "no_consumer", for_seconds: 0 }]).filter(({ id }) => id === "no_consumer"),
      receivers: [{ id: "test", take: async ({ rule }) => void told.push(rule) }],
      publicUrl: undefined,
      patienceMs: 120_000,
      everyMs: 5,
      onError: (error) => told.push(String(error)),
    });
  const pass = statement<[seconds: number], never>(
    "test.pass",
    "UPDATE alerts SET looked_at = now() - $1 * interval '1 second'",
  );
  await evaluateAlerts(db, rules, await look(0), []);
  {
    await db.run(pass, [110]);
    asked = 0;
    await using _first = standIn();
    await using _second = standIn();
    // It has asked often enough by then to have stood in, had it wanted to.
    await expect.poll(() => asked).toBeGreaterThan(5);
    expect((await lastLook(db))?.ageMs).toBeGreaterThan(110_000);
    await db.run(pass, [121]);
    await expect.poll(() => told, { timeout: 10_000 }).toEqual(["no_consumer"]);
  }
  expect((await recentAlertEvents(db, 10)).map(({ rule, event }) => [rule, event])).toEqual([
    ["no_consumer", "firing"],
  ]);
  expect((await lastLook(db))?.ageMs).toBeLessThan(60_000);
});

test("who starts after all were away leaves the first look to the workers, if somebody takes jobs", async () => {
  let asked = 0;
  await using _standIn = startStandIn({
    ...nothingWaits,
    db,
    readQueues: async () => {
      asked += 1;
      return { oldestWaitMs: 0, consumers: 1 };
    },
    rules,
    receivers: [],
    publicUrl: undefined,
    everyMs: 5,
    onError: () => {},
  });
  await expect.poll(() => asked).toBeGreaterThan(3);
  expect(await lastLook(db)).toBeUndefined();
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
