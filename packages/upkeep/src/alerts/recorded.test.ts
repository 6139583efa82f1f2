import fc from "fast-check";
import { expect, test } from "vitest";
import { rulesWith } from "./load-rules.ts";
import type { AlertRule } from "./rule.ts";
import { type AlertState, type Observation, step } from "./step.ts";
import recording from "./testing/ten-minutes.json" with { type: "json" };

type Name = keyof typeof recording.values;

function lookAt(rule: AlertRule, n: number): Observation {
  const name = rule.value as Name; // only rules of recorded values are replayed
  const samples: Readonly<Record<string, readonly number[]>> = recording.samples;
  const value = recording.values[name][n] ?? undefined;
  return { value, samples: samples[name]?.[n] ?? (value === undefined ? 0 : Number.POSITIVE_INFINITY) };
}

interface Ways {
  /** Whether there is anybody to look. */
  readonly isLooking?: (n: number) => boolean;
  readonly clock?: (seconds: number) => number;
}

/** What is told when the recording is replayed, and at which second. */
function replay(rule: AlertRule, { isLooking = () => true, clock = (seconds) => seconds }: Ways = {}): string[] {
  const told: string[] = [];
  let kept: string | undefined;
  for (const [n, at] of recording.at.entries()) {
    if (!isLooking(n)) continue;
    // Each look is another process, which knows what the last one wrote down.
    const before = kept === undefined ? undefined : revived(kept);
    const { next, tell } = step(rule, before, lookAt(rule, n), new Date(1_000_000_000_000 + clock(at) * 1_000));
    kept = JSON.stringify(next);
    if (tell !== undefined) told.push(`${tell} ${at}`);
  }
  return told;
}

function revived(text: string): AlertState {
  const state: AlertState = JSON.parse(text);
  return {
    ...state,
    since: new Date(state.since),
    seenAt: new Date(state.seenAt),
    lookedAt: new Date(state.lookedAt),
  };
}

const rules = rulesWith().filter(({ value }) => value in recording.values);
const ruleOf = (id: string, changes: object = {}): AlertRule => {
  const [rule] = rulesWith([{ id, ...changes }]).filter((one) => one.id === id);
  if (rule === undefined) throw new Error(`There is no rule ${id}`);
  return rule;
};
const told = (all: readonly AlertRule[], ways: Ways = {}) =>
  Object.fromEntries(all.map((rule) => [rule.id, replay(rule, ways)]).filter(([, lines]) => lines?.length !== 0));

test("of ten minutes with a killed worker, a lock, a slow Redis and a slow PostgreSQL what matters is told, each once", () => {
  expect(told(rules)).toEqual({
    no_consumer: ["firing 120", "resolved 165"],
    dead_letters: ["firing 270"],
  });
});

test("a share that dips and recovers with noise is one alert with two thresholds, and many with one", () => {
  const apart = ruleOf("cache_hits", { fire_at: 0.78, clear_at: 0.85, for_seconds: 20 });
  expect(replay(apart).map((one) => one.split(" ")[0])).toEqual(["firing", "resolved"]);
  const together = { ...apart, clear_at: 0.78, for_seconds: 0 };
  expect(replay(together).length).toBeGreaterThan(2);
});

test("Redis that stands still is a gap for what is in it, and an alert of its own when that lasts", () => {
  expect(replay(ruleOf("queue_away", { for_seconds: 30 }))).toEqual([
    expect.stringMatching(/^firing 3[67]\d$/),
    expect.stringMatching(/^resolved (39\d|400)$/),
  ]);
  expect(replay(ruleOf("no_consumer", { no_data: "fire" })).length).toBeLessThanOrEqual(4);
});

test("a clock that is set an hour back or forth in the middle changes what is told by no more than one look", () => {
  // As if it had been looked each minute, for two hours.
  const slow = rules.map((rule) => ({ ...rule, for_seconds: rule.for_seconds * 12 }));
  const steady = told(slow, { clock: (seconds) => seconds * 12 });
  expect(Object.keys(steady)).toEqual(["no_consumer", "dead_letters"]);
  for (const jump of [-3_600, 3_600]) {
    for (const from of [30, 90, 140, 300]) {
      const clock = (seconds: number): number => seconds * 12 + (seconds < from ? 0 : jump);
      const lines = told(slow, { clock });
      if (lines["no_consumer"]?.[0] === "firing 125") lines["no_consumer"][0] = "firing 120";
      expect(lines, `${jump} at ${from}`).toEqual(steady);
    }
  }
});

test("whatever looks are missed, what is told alternates, and how it ends is the same", () => {
  const harsh = [...rules, ruleOf("cache_hits", { fire_at: 0.78, clear_at: 0.85, for_seconds: 0 })];
  const looks = fc.array(fc.boolean(), { minLength: recording.at.length, maxLength: recording.at.length });
  fc.assert(
    fc.property(fc.constantFrom(...harsh), looks, (rule, looked) => {
      // The last half a minute is looked at, so that all know how it ended.
      const lines = replay(rule, { isLooking: (n) => looked[n] === true || n >= recording.at.length - 14 });
      expect(lines.map((one) => one.split(" ")[0])).toEqual(lines.map((_, n) => (n % 2 === 0 ? "firing" : "resolved")));
      expect(lines.length % 2).toBe(rule.id === "dead_letters" ? 1 : 0);
    }),
  );
});
