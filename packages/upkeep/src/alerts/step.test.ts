import fc from "fast-check";
import { expect, test } from "vitest";
import type { AlertRule } from "./rule.ts";
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

interface Replay {
  readonly at?: (n: number) => number;
  readonly isSilenced?: (n: number) => boolean;
}

/** Replays a series, a look each minute; gives what happened and what was told, and at which look. `null`: nothing known. */
function replay(
  series: readonly (number | null)[],
  changes: Partial<AlertRule> = {},
  { at = (n) => n * 60, isSilenced = () => false }: Replay = {},
) {
  let state: AlertState | undefined;
  const [happened, told]: [string[], string[]] = [[], []];
  for (const [n, value] of series.entries()) {
    const look = { value: value ?? undefined, samples: 10 };
    const taken = step({ ...rule, ...changes }, state, look, new Date(at(n) * 1_000), isSilenced(n));
    state = taken.next;
    if (taken.event !== undefined) happened.push(`${taken.event} ${n}`);
    if (taken.tell !== undefined) told.push(`${taken.tell} ${n}`);
  }
  return { happened, told, state: state?.state };
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
  expect(replay([101, 101, 101, null, null, null, 101])).toMatchObject({ told: ["firing 2"], state: "firing" });
  expect(replay([101, null, null, 101]).told).toEqual(["firing 3"]);
  expect(replay([null, null, null, null], { no_data: "fire" }).told).toEqual(["firing 2"]);
  expect(replay([101, 101, 101, null], { no_data: "ok" }).told).toEqual(["firing 2", "resolved 3"]);
});

test("a value made from too little is none", () => {
  const { next, event } = step({ ...rule, for_seconds: 0 }, undefined, { value: 500, samples: 9 }, new Date(0));
  expect([next.state, event]).toEqual(["ok", undefined]);
});

test("the wait is made of what was looked at: a clock that jumps and an hour without a look do not shorten it", () => {
  const patient = { for_seconds: 600 };
  const bad = Array.from({ length: 12 }, () => 101);
  expect(replay(bad, patient).told).toEqual(["firing 10"]);
  const back = (n: number): number => (n < 5 ? 100_000 + n * 60 : n * 60);
  expect(replay(bad, patient, { at: back }).told).toEqual(["firing 11"]);
  // Of the pause, a minute and a quarter count.
  const ahead = (n: number): number => (n < 5 ? n * 60 : 100_000 + n * 60);
  expect(replay(bad, patient, { at: ahead }).told).toEqual(["firing 10"]);
  expect(replay([101, 101, 101, 101, 50], {}, { at: ahead }).told).toEqual(["firing 2", "resolved 4"]);
});

test("what a silence kept back is told when it is over, unless it is over too", () => {
  const quiet = (from: number, to: number) => ({ isSilenced: (n: number) => n >= from && n < to });
  const now = { for_seconds: 0 };
  expect(replay([101, 101, 101], now, quiet(0, 2))).toMatchObject({ happened: ["firing 0"], told: ["firing 2"] });
  expect(replay([101, 50, 50, 50], now, quiet(0, 3))).toMatchObject({ happened: ["firing 0", "resolved 1"], told: [] });
  expect(replay([101, 50, 50, 50], now, quiet(1, 3)).told).toEqual(["firing 0", "resolved 3"]);
  expect(replay([101, 50, 101, 101], now, quiet(1, 3)).told).toEqual(["firing 0"]);
});

/** A series in which whatever may go wrong does: gaps, values at and between thresholds, clocks that jump, silences. */
const life = fc.array(
  fc.record({
    value: fc.option(fc.oneof(fc.constantFrom(80, 81, 99, 100), fc.integer({ min: 60, max: 120 }))),
    samples: fc.constantFrom(0, 9, 10, 1_000),
    passedSeconds: fc.oneof(fc.constant(60), fc.integer({ min: -100_000, max: 100_000 })),
    isSilenced: fc.boolean(),
  }),
  { maxLength: 200 },
);
const rules = fc.record({
  no_data: fc.constantFrom("hold", "fire", "ok"),
  for_seconds: fc.constantFrom(0, 60, 300),
  low_is_bad: fc.boolean(),
});

test("whatever happens, what is told alternates, silence is silence, and it turns only beyond its thresholds", () => {
  fc.assert(
    fc.property(life, rules, (looks, changes) => {
      const own = { ...rule, ...changes, ...(changes.low_is_bad && { fire_at: 80, clear_at: 100 }) };
      let state: AlertState | undefined;
      let clock = 1_000_000;
      let [lastEvent, lastTold] = ["resolved", "resolved"];
      for (const { value, samples, passedSeconds, isSilenced } of looks) {
        clock += passedSeconds;
        const before = state;
        const look = { value: value ?? undefined, samples };
        const { next, event, tell } = step(own, before, look, new Date(clock * 1_000), isSilenced);
        state = next;
        if (event !== undefined) {
          expect(event).not.toBe(lastEvent);
          lastEvent = event;
        }
        if (isSilenced) expect(tell).toBeUndefined();
        else expect(tell ?? lastTold).toBe(next.state === "firing" ? "firing" : "resolved");
        if (tell !== undefined) {
          expect(tell).not.toBe(lastTold);
          lastTold = tell;
        }
        // Hysteresis: with a value it turns bad only at fire_at or beyond, and good only at clear_at or beyond.
        if (value !== null && samples >= own.min_samples && event !== undefined) {
          const limit = event === "firing" ? own.fire_at : own.clear_at;
          expect((event === "firing") !== own.low_is_bad ? value >= limit : value <= limit).toBe(true);
        }
        if (event === "firing") expect(before?.state ?? "ok").toBe(own.for_seconds === 0 ? "ok" : "pending");
        expect(next.since.getTime()).toBeLessThanOrEqual(clock * 1_000);
      }
    }),
    { numRuns: 300 },
  );
});
