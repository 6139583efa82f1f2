import fc from "fast-check";
import { expect, test } from "vitest";
import { pressureOf, type Readings } from "./pressure.ts";

const limits = { maxQueueBytes: 1_000, maxQueueWaitMs: 10_000, maxRssBytes: 5_000 };
const empty = {
  usedBytes: 10,
  maxBytes: 0,
  waitingJobs: 0,
  waitingBytes: 0,
  oldestWaitMs: 0,
  finishedJobs: 0,
  nextBytes: 0,
};
const calm: Readings = {
  queue: empty,
  bytesPerSecond: 100,
  isDatabaseUp: true,
  rssBytes: 10,
};
const withQueue = (queue: Partial<NonNullable<Readings["queue"]>>, others: Partial<Readings> = {}): Readings => ({
  ...calm,
  ...others,
  queue: { ...empty, ...queue },
});

test("a queue that takes too much memory is closed, by our limit or before Redis reaches its own", () => {
  expect(pressureOf(calm, limits)).toBeUndefined();
  expect(pressureOf(withQueue({ usedBytes: 1_000 }), limits)).toBe("queue_full");
  expect(pressureOf(withQueue({ usedBytes: 399, maxBytes: 500 }), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ usedBytes: 400, maxBytes: 500 }), limits)).toBe("queue_full");
  expect(pressureOf({ ...calm, rssBytes: 5_000 }, limits)).toBe("memory_full");
});

test("a queue is closed while what comes now would wait too long", () => {
  const backlog = { waitingBytes: 2_000, oldestWaitMs: 20_000 };
  expect(pressureOf(withQueue(backlog), limits)).toBe("queue_slow");
  expect(pressureOf(withQueue({ ...backlog, waitingBytes: 500 }), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ ...backlog, oldestWaitMs: 500 }), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ ...backlog, waitingBytes: 1 }, { bytesPerSecond: 0 }), limits)).toBe("queue_slow");
});

test("while the database is away the queue bridges the outage, as long as it has memory", () => {
  const outage = { isDatabaseUp: false, bytesPerSecond: 0 };
  expect(pressureOf(withQueue({ waitingBytes: 9_000, oldestWaitMs: 3_600_000 }, outage), limits)).toBeUndefined();
  expect(pressureOf(withQueue({ usedBytes: 1_000 }, outage), limits)).toBe("queue_full");
});

test("more load never opens a queue that less load has closed", () => {
  const amount = fc.integer({ min: 0, max: 20_000 });
  fc.assert(
    fc.property(amount, amount, amount, amount, amount, fc.boolean(), (used, bytes, wait, rss, more, isDatabaseUp) => {
      const readings = { isDatabaseUp, rssBytes: rss };
      const load = { usedBytes: used, waitingBytes: bytes, oldestWaitMs: wait };
      const heavier = { usedBytes: used + more, waitingBytes: bytes + more, oldestWaitMs: wait + more };
      if (pressureOf(withQueue(load, readings), limits) === undefined) return;
      expect(pressureOf(withQueue(heavier, readings), limits)).toBeDefined();
    }),
  );
});
