import fc from "fast-check";
import { expect, test } from "vitest";
import { ago, bytes, count, duration, rate, share } from "./browser/format.ts";

test("counts are short and keep three digits that count", () => {
  expect([0, 3, 2.44, 99.6, 950, 9_500, 12_345, 4_560_000, 7.2e9].map(count)).toEqual([
    "0",
    "3",
    "2.4",
    "100",
    "950",
    "9,500",
    "12.3 k",
    "4.6 M",
    "7.2 G",
  ]);
  expect(rate(1_234)).toBe("1,234/s");
});

test("lengths of time, sizes and shares have the unit that suits them", () => {
  expect([0, 0.42, 35, 2_100, 240_000, 3 * 3_600_000, 12 * 86_400_000].map(duration)).toEqual([
    "0 ms",
    "0.42 ms",
    "35 ms",
    "2.1 s",
    "4 min",
    "3 h",
    "12 d",
  ]);
  expect([512, 3_355_443, 1_024 ** 3].map(bytes)).toEqual(["512 B", "3.2 MB", "1 GB"]);
  expect([0, 0.004, 0.123, 0.9996, 1].map(share)).toEqual(["0 %", "0.4 %", "12 %", "100 %", "100 %"]);
});

test("a time is told by how far it is from now, on either side", () => {
  const now = Date.parse("2026-11-27T10:00:00Z");
  expect(ago("2026-11-27T09:59:48Z", now)).toBe("12 s ago");
  expect(ago("2026-11-27T10:04:00Z", now)).toBe("in 4 min");
  expect(ago("2026-11-27T10:00:00.400Z", now)).toBe("now");
});

test("what is not known is a dash, and everything else is short", () => {
  expect([count(null), rate(undefined), bytes(null), duration(null), share(null), ago(null, 0)]).toEqual(
    Array.from({ length: 6 }, () => "–"),
  );
  const finite = fc.double({ min: 0, max: 1e14, noNaN: true });
  fc.assert(
    fc.property(finite, (value) => {
      for (const text of [count(value), bytes(value), duration(value)]) {
        expect(text.length).toBeLessThanOrEqual(12);
        expect(text).not.toMatch(/NaN|undefined|Infinity/);
      }
    }),
  );
});
