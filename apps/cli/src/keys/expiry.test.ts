import fc from "fast-check";
import { expect, test } from "vitest";
import { expiryOf } from "./expiry.ts";

const nowMs = Date.parse("2030-03-01T12:00:00Z");

test.each([
  ["12h", "2030-03-02T00:00:00.000Z"],
  ["90d", "2030-05-30T12:00:00.000Z"],
  ["4w", "2030-03-29T12:00:00.000Z"],
  ["2031-01-31", "2031-01-31T00:00:00.000Z"],
  ["2031-01-31T10:30Z", "2031-01-31T10:30:00.000Z"],
  ["2031-01-31T10:30:15.5+02:00", "2031-01-31T08:30:15.500Z"],
])("%s means %s", (text, expected) => {
  expect(expiryOf(text, nowMs)?.toISOString()).toBe(expected);
});

test.each([
  "",
  "d",
  "90",
  "90 d",
  "-1d",
  "2031-02-30",
  "2031-13-01",
  "2031-01-31T25:00Z",
  "2031-01-31T10:30",
  "tomorrow",
])("%j means no time", (text) => {
  expect(expiryOf(text, nowMs)).toBeUndefined();
});

test("every time means itself when written as an ISO date", () => {
  const time = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true });
  fc.assert(
    fc.property(time, (date) => {
      expect(expiryOf(date.toISOString(), nowMs)).toEqual(date);
    }),
  );
});
