import { expect, test } from "vitest";
import { createFigures } from "./figures.ts";
import { keepOwnHistory } from "./own-history.ts";
import { performanceIn } from "./performance.ts";
import { reportPerformance } from "./performance-report.ts";

function someFigures() {
  const figures = createFigures(() => ({
    "cache_memory_hits.users": 6,
    "cache_redis_hits.users": 3,
    "cache_misses.users": 1,
    "cache_misses.blocks": 10,
  }));
  figures.count("requests", 200);
  figures.count("request_errors", 2);
  for (let ms = 1; ms <= 100; ms += 1) figures.time("request", ms);
  figures.count("events_rejected.invalid_time", 4);
  figures.count("jobs_done.events.import", 30);
  figures.count("jobs_failed.alerts.evaluate", 10);
  return figures;
}

test("shares, rates and percentiles follow from what was counted; nothing is said of what did not happen", () => {
  const told = performanceIn(someFigures().read(), 20);
  expect(told.requests).toMatchObject({ count: 200, per_second: 10, failed: 2, error_share: 0.01 });
  expect((told.requests.p95_ms ?? 0) / 95).toBeCloseTo(1, 1);
  expect(told.events.rejected).toEqual({ invalid_time: 4 });
  expect(told.jobs).toMatchObject({
    per_second: 2,
    error_share: 0.25,
    by_name: { "events.import": { done: 30, failed: 0 }, "alerts.evaluate": { done: 0, failed: 10 } },
    run: { p50_ms: null },
  });
  expect(told.cache).toEqual({
    reads: 20,
    hit_share: 0.45,
    by_namespace: {
      users: { reads: 10, hit_share: 0.9, memory_share: 0.6 },
      blocks: { reads: 10, hit_share: 0, memory_share: 0 },
    },
  });
  expect(told.pool).toMatchObject({ waits: 0, slow_share: null, p99_ms: null });
});

test("a process tells of itself, and says so, when the records of all hang", async () => {
  const figures = someFigures();
  await using own = keepOwnHistory(figures);
  figures.count("requests", 7);
  const report = await reportPerformance({ fleetMinutes: () => new Promise(() => {}), own });
  expect(report).toMatchObject({ of: "process", detail: expect.stringContaining("PostgreSQL does not tell") });
  expect([report.last_minute?.requests.count, report.last_15_minutes?.requests.count]).toEqual([7, 7]);
});
