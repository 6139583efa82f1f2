import { existsSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AlertRule, rulesWith } from "./rule.ts";
import { type AlertState, step } from "./step.ts";

const rule: AlertRule = {
  id: "test",
  severity: "warning",
  value: "query_p95_ms",
  summary: "test",
  fire_at: 100,
  clear_at: 80,
  low_is_bad: false,
  for_seconds: 120,
  min_samples: 10,
  no_data: "hold",
  runbook: "test.md",
};

/** Replays a series, a look each minute; gives what was told at which minute. `null`: nothing was known. */
function replay(series: readonly (number | null)[], changes: Partial<AlertRule> = {}, at = (n: number) => n * 60) {
  let state: AlertState | undefined;
  const told: string[] = [];
  for (const [n, value] of series.entries()) {
    const look = { value: value ?? undefined, samples: 10 };
    const { next, event } = step({ ...rule, ...changes }, state, look, new Date(at(n) * 1_000));
    state = next;
    if (event !== undefined) told.push(`${event} ${n}`);
  }
  return { told, state: state?.state };
}

test("it fires after its wait, and ends only on the good side of the other threshold", () => {
  expect(replay([50, 100, 110, 120, 130, 90, 85, 81, 80, 50]).told).toEqual(["firing 3", "resolved 8"]);
  expect(replay([120], { for_seconds: 0 }).told).toEqual(["firing 0"]);
  expect(replay([0.5, 0.7, 0.9], { fire_at: 0.6, clear_at: 0.7, low_is_bad: true, for_seconds: 0 }).told).toEqual([
    "firing 0",
    "resolved 1",
  ]);
});

test("what flaps around one threshold is told once", () => {
  const flapping = Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? 101 : 99));
  expect(replay(flapping).told).toEqual([]);
  expect(replay([101, 101, 101, ...flapping]).told).toEqual(["firing 2"]);
});

test("gaps keep what was, or are what the rule says they are", () => {
  expect(replay([101, 101, 101, null, null, null, 101])).toEqual({ told: ["firing 2"], state: "firing" });
  expect(replay([101, null, null, 101]).told).toEqual(["firing 3"]);
  expect(replay([null, null, null, null], { no_data: "fire" }).told).toEqual(["firing 2"]);
  expect(replay([101, 101, 101, null], { no_data: "ok" }).told).toEqual(["firing 2", "resolved 3"]);
});

test("a value made from too little is none", () => {
  const { next, event } = step({ ...rule, for_seconds: 0 }, undefined, { value: 500, samples: 9 }, new Date(0));
  expect([next.state, event]).toEqual(["ok", undefined]);
});

test("a clock that is set back makes it wait from then on, and nothing is told twice", () => {
  const jumping = (n: number) => (n < 2 ? 10_000 + n * 60 : n * 60);
  expect(replay([101, 101, 101, 101, 101, 101], {}, jumping).told).toEqual(["firing 4"]);
  const ahead = (n: number) => (n < 2 ? n * 60 : 1_000_000 + n * 60);
  expect(replay([101, 101, 101, 101, 50], {}, ahead).told).toEqual(["firing 2", "resolved 4"]);
});

test("whatever the series, what is told alternates and begins with firing", () => {
  const values = fc.array(fc.option(fc.integer({ min: 60, max: 120 })), { maxLength: 200 });
  fc.assert(
    fc.property(values, fc.constantFrom("hold", "fire", "ok"), (series, no_data) => {
      const { told } = replay(series, { no_data });
      expect(told.map((one) => one.split(" ")[0])).toEqual(told.map((_, n) => (n % 2 === 0 ? "firing" : "resolved")));
    }),
  );
});

test("each rule has its runbook", () => {
  for (const { id, runbook } of rulesWith()) {
    expect([id, existsSync(new URL(`../../../../docs/runbooks/${runbook}`, import.meta.url))]).toEqual([id, true]);
  }
});

test("a file changes rules by their ids, turns them off and adds some; what is wrong in it is named", () => {
  const added = { ...rule, id: "mine" };
  const rules = rulesWith([{ id: "query_latency", fire_at: 250 }, { id: "wraparound", enabled: false }, added]);
  const byId = new Map(rules.map((one) => [one.id, one]));
  expect(byId.get("query_latency")).toMatchObject({ fire_at: 250, clear_at: 80 });
  expect(byId.has("wraparound")).toBe(false);
  expect(byId.get("mine")).toEqual(added);
  expect(rulesWith().length).toBeGreaterThan(10);
  expect(() => rulesWith([{ id: "query_latency", fire_at: "much" }])).toThrow("fire_at");
  expect(() => rulesWith([{ id: "query_latency", fires_at: 1 }])).toThrow("fires_at");
  expect(() => rulesWith([{ id: "mine", value: "nothing" }])).toThrow();
});
