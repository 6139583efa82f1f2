import fc from "fast-check";
import { expect, test } from "vitest";
import { pressureOf, type Readings } from "./pressure.ts";

const limits = { maxQueueBytes: 1_000, maxQueueWaitMs: 10_000, maxRssBytes: 5_000 };
const calm: Readings = {
  queue: { usedBytes: 10, maxBytes: 0, waitingJobs: 0, oldestWaitMs: 0, finishedJobs: 0 },
  jobsPerSecond: 100,
  isDatabaseUp: true,
  rssBytes: 10,
};
const withQueue = (queue: Partial<NonNullable<Readings["queue"]>>, others: Partial<Readings> = {}): Readings => ({
  ...calm,
  ...others,
  queue: { usedBytes: 10, maxBytes: 0, waitingJobs: 0, oldestWaitMs: 0, finishedJobs: 0, ...queue },
});

test("a queue that takes too much memory is closed, by our limit or before Redis reaches its own", () => {
  expect(pressureOf(calm, limits)).toBeUndefined();
  expect(pressureOf(withQueue({ usedBytes: 1_000 }), limits)).toBe("queue_full");
  expect(pressureOf(withQueue({ usedBytes: 399, maxBytes: 500 }), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ usedBytes: 400, maxBytes: 500 }), limits)).toBe("queue_full");
  expect(pressureOf({ ...calm, rssBytes: 5_000 }, limits)).toBe("memory_full");
});

test("a queue is closed while what comes now would wait too long", () => {
  const backlog = { waitingJobs: 2_000, oldestWaitMs: 20_000 };
  expect(pressureOf(withQueue(backlog), limits)).toBe("queue_slow");
  expect(pressureOf(withQueue({ ...backlog, waitingJobs: 500 }), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ ...backlog, oldestWaitMs: 500 }), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ ...backlog, waitingJobs: 1 }, { jobsPerSecond: 0 }), limits)).toBe("queue_slow");
});

test("while the database is away the queue bridges the outage, as long as it has memory", () => {
  const outage = { isDatabaseUp: false, jobsPerSecond: 0 };
  expect(pressureOf(withQueue({ waitingJobs: 9_000, oldestWaitMs: 3_600_000 }, outage), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ usedBytes: 1_000 }, outage), limits)).toBe("queue_full");
});

test("more load never opens a queue that less load has closed", () => {
  const amount = fc.integer({ min: 0, max: 20_000 });
  fc.assert(
    fc.property(amount, amount, amount, amount, amount, fc.boolean(), (used, jobs, wait, rss, more, isDatabaseUp) => {
      const readings = { isDatabaseUp, rssBytes: rss };
      const load = { usedBytes: used, waitingJobs: jobs, oldestWaitMs: wait };
      const heavier = { usedBytes: used + more, waitingJobs: jobs + more, oldestWaitMs: wait + more };
      if (pressureOf(withQueue(load, readings), limits) === undefined) return;
      expect(pressureOf(withQueue(heavier, readings), limits)).toBeDefined();
    }),
  );
});
