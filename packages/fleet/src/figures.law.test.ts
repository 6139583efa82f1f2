import fc from "fast-check";
import { expect, test } from "vitest";
import { countIn, createFigures, type Figures, sumOf } from "./figures.ts";
import { cacheRatesOf, latencyOf, rateOf } from "./fleet-figures.ts";
import { createHistory, type Span } from "./history.ts";
import type { Member } from "./join-fleet.ts";

type Happening = (figures: Figures) => void;

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.nat({ max: 500 }).map((by) => (figures: Figures) => figures.count("events_accepted", by)),
  fc.constantFrom("a", "b").map((name) => (figures: Figures) => figures.count(`jobs_done.${name}`)),
  fc.constantFrom("users", "blocks").map((name) => (figures: Figures) => figures.count(`cache_memory_hits.${name}`)),
  fc.double({ min: 0.01, max: 50_000, noNaN: true }).map((ms) => (figures: Figures) => figures.time("request", ms)),
);
const spanMs = 2_000;

function memberOf(happenings: readonly Happening[]): Member {
  const figures = createFigures();
  for (const happen of happenings) happen(figures);
  const span: Span = { ms: spanMs, counts: figures.read() };
  const pool = { max: 0, size: 0, in_use: 0, waiting: 0 };
  const process = { id: "", app: "api", host: "", pid: 1, version: "0", started_at: "", jobs: [], consumers: [] };
  const load = { rss_bytes: 0, cpu_share: 0, loop_lag_p99_ms: 0 };
  return { report: { ...process, ...load, pool, counts: figures.read(), last: span, recent: span }, ageMs: 0 };
}

test("it makes no difference to the fleet's figures which process did what", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 3 }), happening), { maxLength: 200 }), (all) => {
      const alone = [memberOf(all.map(([, happen]) => happen))];
      const spread = [0, 1, 2, 3].map((at) => memberOf(all.flatMap(([who, happen]) => (who === at ? happen : []))));
      for (const name of ["events_accepted", "jobs_done."]) {
        expect(rateOf(spread, name)).toBeCloseTo(rateOf(alone, name) ?? Number.NaN, 6);
      }
      expect(latencyOf(spread, "request")).toEqual(latencyOf(alone, "request"));
      expect(cacheRatesOf(spread)).toEqual(cacheRatesOf(alone));
    }),
  );
});

test("what the spans tell adds up to all that was counted, and none of them tells of less than nothing", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.array(happening)), { minLength: 1 }),
      (steps) => {
        const figures = createFigures();
        const history = createHistory(10_000);
        const spans: Span[] = [];
        let atMs = 0;
        history.note({ atMs, counts: figures.read() });
        for (const [ms, happenings] of steps) {
          for (const happen of happenings) happen(figures);
          atMs += ms;
          history.note({ atMs, counts: figures.read() });
          const last = history.last();
          expect(last?.ms).toBe(ms);
          if (last !== null) spans.push(last);
          const recent = history.recent();
          expect(recent?.ms).toBeGreaterThanOrEqual(Math.min(atMs, 10_000));
          expect(Object.values(recent?.counts ?? {}).every((count) => count > 0)).toBe(true);
        }
        expect(sumOf(spans.map(({ counts }) => counts))).toEqual(figures.read());
        expect(countIn(figures.read(), "jobs_done.")).toBe(
          countIn(figures.read(), "jobs_done.a") + countIn(figures.read(), "jobs_done.b"),
        );
      },
    ),
  );
});

test("nothing is known of a fleet that has told once, or of one that has been silent", () => {
  const member = memberOf([(figures) => figures.count("requests")]);
  expect(rateOf([member], "requests")).toBe(0.5);
  expect(rateOf([{ ...member, ageMs: 7_000 }], "requests")).toBeNull();
  expect(rateOf([{ ...member, report: { ...member.report, last: null } }], "requests")).toBeNull();
  expect(latencyOf([member], "request")).toEqual({ p50_ms: null, p99_ms: null, samples: 0 });
});
