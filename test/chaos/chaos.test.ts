import { expect, test } from "vitest";
import { runChaos } from "./run-chaos.ts";
import { linkNames, processNames, scheduleOf } from "./schedule.ts";

test("the seed decides what goes wrong when", () => {
  const options = { seconds: 300, everyMs: 1_000 };
  expect(scheduleOf(7, options)).toEqual(scheduleOf(7, options));
  expect(scheduleOf(8, options)).not.toEqual(scheduleOf(7, options));
  const targets = new Set(scheduleOf(7, options).map(({ target }) => target));
  expect([...targets].sort()).toEqual([...processNames, ...linkNames].sort());
});

test("whatever is killed, stopped and cut off: what was accepted is stored once, and writes are applied in their order", async () => {
  const summary = await runChaos({
    seconds: 20,
    seed: 11,
    everyMs: 1_500,
    clients: 4,
    writers: 4,
    pauseMs: 40,
    appendfsync: "always",
    log: () => {},
  });
  expect(summary).toMatchObject({ lost: 0, duplicated: 0, violations: [] });
  expect(summary.writes).toMatchObject({ lost: 0, doubled: 0, disordered: 0 });
  expect(summary.writes.acknowledged).toBeGreaterThan(50);
  expect(summary.accepted).toBeGreaterThan(200);
  expect(Object.keys(summary.faults).length).toBeGreaterThan(5);
}, 180_000);
