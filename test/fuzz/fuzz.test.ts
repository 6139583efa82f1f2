import { expect, test } from "vitest";
import { caseOf } from "./cases.ts";
import { runFuzz } from "./run-fuzz.ts";

test("the number and the seed decide the body", () => {
  const numbers = [...Array(200).keys()];
  expect(numbers.map((number) => caseOf(number, 7))).toEqual(numbers.map((number) => caseOf(number, 7)));
  expect(caseOf(1, 8).body.equals(caseOf(1, 7).body)).toBe(false);
});

test("whatever is sent: no crash, no 5xx, nothing stored that was not accepted, sound events once, every write with an outcome", async () => {
  const summary = await runFuzz({ bodies: 1_500, seed: 5, slowClients: 0, log: () => {} });
  expect(summary.violations).toEqual([]);
  expect(summary.sound_events).toBeGreaterThan(50);
  expect(summary.writes).toBeGreaterThan(30);
  expect(summary.by_status["202"]).toBeGreaterThan(50);
}, 120_000);
