import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Db, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { recentAlertEvents } from "./alert-store.ts";
import { startReceiver } from "./testing/receiver-server.ts";

const main = fileURLToPath(new URL("testing/evaluator-main.ts", import.meta.url));

function startEvaluator(url: string, webhook: string): ChildProcess & AsyncDisposable {
  const child = fork(main, [JSON.stringify({ url, webhook })], { execArgv: [] });
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  });
}

const createConsumers = statement<[], never>(
  "test.create_consumers",
  "CREATE TABLE test_consumers AS SELECT 1::float8 AS count",
);
const setConsumers = statement<[count: number], never>("test.set_consumers", "UPDATE test_consumers SET count = $1");
const lockEvents = statement<[], never>("test.lock_events", "LOCK TABLE alert_events IN ACCESS EXCLUSIVE MODE");
const waiting = statement<[], { n: number }>(
  "test.waiting",
  `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE application_name = 'evaluator' AND datname = current_database() AND wait_event_type = 'Lock'`,
);
const undelivered = statement<[], { n: number }>(
  "test.undelivered",
  "SELECT count(*)::int AS n FROM alert_deliveries WHERE delivered_at IS NULL",
);
const hurry = statement<[], never>(
  "test.hurry_up",
  "UPDATE alert_deliveries SET next_at = now() WHERE delivered_at IS NULL",
);

async function happenedIn(db: Db): Promise<string[]> {
  return (await recentAlertEvents(db, 1_000)).reverse().map(({ event }) => event);
}

test("of two evaluators one is killed in the middle of writing down what it saw: it is told once all the same", async () => {
  await using database = await createTestDatabase();
  const { db, url } = database;
  await db.run(createConsumers, []);
  await using receiver = await startReceiver(() => ({ status: 200 }));
  await using first = startEvaluator(url, receiver.url);
  await once(first, "message");
  await db.transaction(async (tx) => {
    await tx.run(lockEvents, []);
    await db.run(setConsumers, [0]);
    await expect.poll(async () => (await db.rows(waiting, []))[0]?.n, { timeout: 10_000 }).toBe(1);
    first.kill("SIGKILL");
    await once(first, "exit");
  });
  await using _second = startEvaluator(url, receiver.url);
  await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(1);
  await db.run(setConsumers, [1]);
  await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(2);
  expect(receiver.received.map(({ body }) => JSON.parse(body).event)).toEqual(["firing", "resolved"]);
  expect(await happenedIn(db)).toEqual(["firing", "resolved"]);
});

test("two evaluators that are killed again and again at any moment tell each turn, in order, and none twice but what was on its way", async () => {
  await using database = await createTestDatabase();
  const { db, url } = database;
  await db.run(createConsumers, []);
  await using receiver = await startReceiver(() => ({ status: 200 }));
  await using evaluators = new AsyncDisposableStack();
  const start = () => evaluators.use(startEvaluator(url, receiver.url));
  let pair = [start(), start()];
  let kills = 0;
  for (let turn = 0; turn < 8; turn += 1) {
    const count = (await happenedIn(db)).length;
    await db.run(setConsumers, [turn % 2]);
    const victim = pair[turn % 2];
    // At a moment that is another one each time: in between looks, in the middle of one, while telling.
    await sleep(turn * 17);
    victim?.kill("SIGKILL");
    kills += 1;
    pair = pair.map((one) => (one === victim ? start() : one));
    // The first turn is to what is so already.
    if (turn > 0 || (await happenedIn(db)).length > 0) {
      await expect.poll(async () => (await happenedIn(db)).length, { timeout: 15_000 }).toBeGreaterThan(count);
    } else await expect.poll(async () => (await happenedIn(db)).length, { timeout: 15_000 }).toBe(1);
  }
  await expect
    .poll(
      async () => {
        await db.run(hurry, []);
        return (await db.rows(undelivered, []))[0]?.n;
      },
      { timeout: 20_000 },
    )
    .toBe(0);
  const happened = await happenedIn(db);
  expect(happened).toEqual(happened.map((_, n) => (n % 2 === 0 ? "firing" : "resolved")));
  const told = receiver.received.map(({ headers }) => String(headers["millrace-event-id"]));
  const once_ = told.filter((id, n) => told.indexOf(id) === n);
  expect(once_).toEqual((await recentAlertEvents(db, 1_000)).reverse().map(({ id }) => id));
  // Only a process that died between sending and noting it makes another send it again.
  expect(told.length - once_.length).toBeLessThanOrEqual(kills);
}, 90_000);
