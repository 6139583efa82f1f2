import { type Postgres, type QueryEvent, queryEvents, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPlanSampler } from "./plan-sampler.ts";
import { plansOf } from "./regressions.ts";
import { startStatementMonitor } from "./statement-monitor.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
});
afterEach(() => database[Symbol.asyncDispose]());

const command = (text: string) => statement<[], never>("test.command", text);
const sleep = statement<[], unknown>("test.sleep", "SELECT pg_sleep(0.06)");
const waitingFor = statement<[table: string], { n: number }>(
  "test.waiting_for",
  "SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = $1::regclass",
);
const call = (name: string, text = "SELECT 1", params: readonly unknown[] = []) => ({
  name,
  text,
  params,
  durationMs: 60,
});

/** Has a table all for itself while `work` runs. */
async function whileLocked(table: string, work: () => Promise<void>): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.run(command(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`), []);
    await work();
  });
}

test("who makes slow calls does not wait for their plans, which are kept when that is possible again", async () => {
  await using _monitor = startStatementMonitor({
    db,
    app: "test",
    process: "test",
    everyMs: 20,
    onError: (error) => {
      throw error;
    },
  });
  await whileLocked("statement_plans", async () => {
    await db.rows(sleep, []);
    await expect.poll(async () => (await db.rows(waitingFor, ["statement_plans"]))[0]?.n).toBe(1);
    // The lock is given back when these are done: were they to wait for it, this would not end.
    for (let n = 0; n < 10; n += 1) await db.rows(sleep, []);
    expect(await db.rows(waitingFor, ["statement_plans"])).toEqual([{ n: 1 }]);
  });
  await expect.poll(() => plansOf(db, "test.sleep")).toHaveLength(1);
});

test("a table that somebody has locked keeps no other statement from being looked at", async () => {
  const sampler = createPlanSampler({ db });
  sampler.consider(call("test.of_users", "SELECT address FROM users WHERE address = $1", ["x"]));
  sampler.consider(call("test.of_nothing"));
  await whileLocked("users", () => sampler.sample(new Map()));
  expect(await plansOf(db, "test.of_users")).toEqual([]);
  expect(await plansOf(db, "test.of_nothing")).toHaveLength(1);
});

test("thousands of slow calls lead to eight plans at a time, and to one a minute for each statement", async () => {
  let nowMs = 0;
  let explained = 0;
  const count = (message: unknown): void => {
    if ((message as QueryEvent).name === "monitor.explain") explained += 1; // the channel carries nothing else
  };
  queryEvents.subscribe(count);
  const sampler = createPlanSampler({ db, now: () => nowMs });
  const inRounds = async (rounds: number): Promise<number[]> => {
    const perRound: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = explained;
      for (let n = 0; n < 5_000; n += 1) sampler.consider(call(`test.slow_${n % 20}`));
      await sampler.sample(new Map());
      perRound.push(explained - before);
    }
    return perRound;
  };
  expect(await inRounds(5)).toEqual([8, 8, 4, 0, 0]);
  nowMs = 59_999;
  expect(await inRounds(1)).toEqual([0]);
  nowMs = 60_000;
  expect(await inRounds(4)).toEqual([8, 8, 4, 0]);
  queryEvents.unsubscribe(count);
});

test("no value of a slow call is kept, wherever the plan shows it", async () => {
  const sampler = createPlanSampler({ db });
  const text = `SELECT $1::text AS said, $2::int + length(display_name) AS number FROM users
                 WHERE display_name = $1 OR length(display_name) + $2 > 5 OR profile @> jsonb_build_object('name', $1::text)
                 ORDER BY length(display_name) + $2 LIMIT $2`;
  sampler.consider(call("test.personal", text, ["it's Ada's", 4_711]));
  await sampler.sample(new Map());
  const [plan] = await plansOf(db, "test.personal");
  expect(plan).toMatchObject({ parameters: ["text(10)", "number"] });
  expect(JSON.stringify(plan?.plan)).toContain("display_name");
  expect(JSON.stringify([plan?.plan, plan?.parameters])).not.toMatch(/Ada|4711/);
});
