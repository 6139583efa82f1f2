import fc from "fast-check";
import { expect, test } from "vitest";
import { createLiveness } from "./liveness.ts";

const limits = { stuckAfterMs: 10, maxRestarts: 3 };

test("a consumer that could take what waits and does not is restarted, thrice, and then given up", () => {
  const liveness = createLiveness(limits);
  const judge = (nowMs: number) => liveness.judge({ waitingJobs: 1, startedJobs: 0, hasRoom: true, nowMs });
  expect([0, 9, 10, 19, 20, 30, 40].map(judge)).toEqual([
    "alive", // the first sighting
    "waiting",
    "restart",
    "waiting",
    "restart",
    "restart",
    "give_up",
  ]);
  expect(liveness.isStuck).toBe(true);
});

test("one job taken after a restart makes it healthy again", () => {
  const liveness = createLiveness(limits);
  const sighting = { waitingJobs: 5, startedJobs: 0, hasRoom: true };
  expect([0, 10].map((nowMs) => liveness.judge({ ...sighting, nowMs }))).toEqual(["alive", "restart"]);
  expect(liveness.judge({ ...sighting, startedJobs: 1, nowMs: 11 })).toBe("alive");
  expect(liveness.isStuck).toBe(false);
});

test("no consumer is restarted that has nothing to take, has no room, or moves", () => {
  const idle = fc.oneof(
    fc.record({ waitingJobs: fc.constant(0), hasRoom: fc.boolean(), moves: fc.boolean() }),
    fc.record({ waitingJobs: fc.nat(), hasRoom: fc.constant(false), moves: fc.boolean() }),
    fc.record({ waitingJobs: fc.nat(), hasRoom: fc.boolean(), moves: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(idle, fc.nat(1_000))), (steps) => {
      const liveness = createLiveness(limits);
      let nowMs = 0;
      let startedJobs = 0;
      for (const [{ moves, ...seen }, ms] of steps) {
        nowMs += ms;
        if (moves) startedJobs += 1;
        expect(["alive", "idle"]).toContain(liveness.judge({ ...seen, startedJobs, nowMs }));
      }
    }),
  );
});
