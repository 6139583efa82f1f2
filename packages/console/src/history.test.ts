import fc from "fast-check";
import { expect, test } from "vitest";
import { type Point, windowSeconds, withLive, withMinutes } from "./browser/history.ts";
import type { Live, Minute } from "./browser/replies.ts";

const latency = { p50_ms: 10, p99_ms: 40, samples: 5 };
const minuteAt = (seconds: number): Minute => ({
  at: new Date(seconds * 1_000).toISOString(),
  accepted: 2,
  committed: 1,
  accept_to_commit: latency,
});
/** The parts of a message that charts show. */
const liveAt = (seconds: number): Live =>
  ({
    at: new Date(seconds * 1_000).toISOString(),
    rates: { accepted: 4, committed: 3 },
    latency: { accept_to_commit: latency },
    queues: [{ oldest_wait_ms: 7 }, { oldest_wait_ms: 9 }],
  }) as unknown as Live; // it has more, which nothing here looks at

test("charts show the minutes before, and then each message", () => {
  const points = withMinutes(withLive([], liveAt(600)), [minuteAt(480), minuteAt(540), minuteAt(600)]);
  expect(withLive(points, liveAt(602))).toEqual([
    { time: 510, committed: 1, accepted: 2, p50: 10, p99: 40, oldest: null },
    { time: 570, committed: 1, accepted: 2, p50: 10, p99: 40, oldest: null },
    { time: 600, committed: 3, accepted: 4, p50: 10, p99: 40, oldest: 9 },
    { time: 602, committed: 3, accepted: 4, p50: 10, p99: 40, oldest: 9 },
  ]);
});

test("whenever the minutes come, time only goes on, and nothing is older than the window", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.nat(60), (gaps, minutesAfter) => {
      let now = 10_000;
      let points: readonly Point[] = [];
      for (const [at, gap] of gaps.entries()) {
        now += gap;
        points = withLive(points, liveAt(now));
        const minutes = Array.from({ length: 30 }, (_, ago) => minuteAt(now - (30 - ago) * 60));
        if (at === minutesAfter) points = withMinutes(points, minutes);
        const times = points.map(({ time }) => time);
        expect(times).toEqual(times.toSorted((one, other) => one - other));
        expect(new Set(times).size).toBe(times.length);
        if (at !== minutesAfter) expect(times[0]).toBeGreaterThanOrEqual(now - windowSeconds);
      }
    }),
  );
});
