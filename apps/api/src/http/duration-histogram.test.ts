import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { createDurationHistogram } from "./duration-histogram.ts";

const described = { name: "test_duration_seconds", help: "Of a test" };
const bucketsSeconds = [0.001, 0.005, 0.25];

test("it shows what prom-client's own histogram shows, for any durations in any order", async () => {
  const duration = fc.oneof(fc.constantFrom(0, 1, 5, 250), fc.double({ min: 0, max: 400, noNaN: true }));
  const observed = fc.array(fc.tuple(fc.constantFrom(200, 304, 404), duration));
  await fc.assert(
    fc.asyncProperty(observed, async (values) => {
      const [registry, expected] = [new Registry(), new Registry()];
      const ours = createDurationHistogram({ ...described, bucketsSeconds, registry });
      const theirs = new Histogram({
        ...described,
        labelNames: ["status"],
        buckets: [...bucketsSeconds],
        registers: [expected],
      });
      const series = new Map([200, 304, 404].map((status) => [status, ours.series({ status })]));
      for (const status of series.keys()) theirs.zero({ status });
      for (const [status, ms] of values) {
        series.get(status)?.observe(ms);
        theirs.observe({ status }, ms / 1_000);
      }
      const [shown, wanted] = await Promise.all([registry.metrics(), expected.metrics()]);
      expect(linesOf(shown)).toEqual(linesOf(wanted));
    }),
  );
});

/** Sums, which are added up in other units, to nine digits. */
function linesOf(text: string): string[] {
  return text.split("\n").map((line) => {
    const [name, value] = line.split(/ (?=\S+$)/);
    return name?.includes("_sum") ? `${name} ${Number(value).toPrecision(9)}` : line;
  });
}
