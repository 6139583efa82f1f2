import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findTime, rfc3339Of, timeOfDate, timeOfValue } from "./timestamps.ts";

const latest = Date.UTC(2026, 10, 24) * 1_000;
const timeIn = (line: string) => {
  const found = findTime(line, latest);
  return found === undefined ? undefined : rfc3339Of(found.micros);
};

test.each([
  ["2024-11-23T10:00:00Z GET /", "2024-11-23T10:00:00.000Z"],
  ["2024-11-23T10:00:00.123456789+01:00 GET /", "2024-11-23T09:00:00.123456Z"],
  ["2024-11-23t10:00:00z x", "2024-11-23T10:00:00.000Z"],
  ["2024-11-23 10:00:00,123 INFO [main] started", "2024-11-23T10:00:00.123Z"],
  ["2024-11-23 10:00:00.5 UTC [77] LOG:  ready", "2024-11-23T10:00:00.500Z"],
  ["2024/11/23 10:00:00 [error] 77#0: refused", "2024-11-23T10:00:00.000Z"],
  ["20171223-22:15:29:606|Step_LSC|30002312|x", "2017-12-23T22:15:29.606Z"],
  ["20171223-23:22:0:18|Step_LSC|30002312|x", "2017-12-23T23:22:00.018Z"],
  ["20171223T221529Z x", "2017-12-23T22:15:29.000Z"],
  ['127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326', "2000-10-10T20:55:36.000Z"],
  ["Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user", "2025-12-10T06:55:46.000Z"],
  ["<34>Nov  3 06:55:46 host su: failed", "2026-11-03T06:55:46.000Z"],
  ["Feb 29 06:55:46 host su: failed", "2024-02-29T06:55:46.000Z"],
  ["Nov 9 12:01:01 2005 x", "2005-11-09T12:01:01.000Z"],
  ["[Sun Dec 04 04:47:44.123456 2005] [notice] x", "2005-12-04T04:47:44.123456Z"],
  ["Sat Nov 23 10:00:00 UTC 2024 x", "2024-11-23T10:00:00.000Z"],
  ["Nov 9 2005 12:01:01: %ASA-6-302013", "2005-11-09T12:01:01.000Z"],
  ["- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond: x", "2005-11-09T20:01:01.000Z"],
  ["1131566461.250 TCP_MISS/200", "2005-11-09T20:01:01.250Z"],
  ["1514067329606 x", "2017-12-23T22:15:29.606Z"],
  ["2016-12-31T23:59:60Z leap", "2017-01-01T00:00:00.000Z"],
])("the time of %j is %s", (line, time) => {
  expect(timeIn(line)).toBe(time);
});

test.each([
  "no time here",
  "2024-02-30T10:00:00Z is no day",
  "2024-11-23T24:00:01Z is no time",
  "Nov 31 10:00:00 host x: y",
  "1234567890123456789012 is no count of seconds",
  "12345 1131566461 starts with another number",
  `${"x".repeat(200)} 2024-11-23T10:00:00Z is what the line tells of`,
  "at org.example.Main.run(Main.java:10:22)",
])("there is no time in %j", (line) => {
  expect(timeIn(line)).toBeUndefined();
});

test("a time without a zone that is a few hours ahead of UTC is still of this year", () => {
  const now = Date.UTC(2026, 10, 24, 23) * 1_000;
  const dayAhead = now + 86_400e6;
  expect(rfc3339Of(findTime("Nov 25 09:00:00 tokyo x: y", dayAhead)?.micros ?? 0)).toBe("2026-11-25T09:00:00.000Z");
});

test("a field is a time only as a whole", () => {
  expect(timeOfValue("restarted after 2024-11-23T10:00:00Z", latest)).toBeUndefined();
  expect(timeOfValue("2024-11-23T10:00:00Z", latest)?.isAbsolute).toBe(true);
  expect(timeOfValue(1514067329, latest)?.micros).toBe(1514067329e6);
  expect(timeOfValue("3600", latest)).toBeUndefined();
  expect(timeOfValue(null, latest)).toBeUndefined();
  expect(timeOfDate("2005.11.09")).toBe(Date.UTC(2005, 10, 9) * 1_000);
  expect(timeOfDate("2005.13.09")).toBeUndefined();
});

const pad = (value: number, width = 2): string => String(value).padStart(width, "0");
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const clockOf = (d: Date): string => `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}`;
const nameOf = (d: Date): string => monthNames[d.getUTCMonth()] ?? "";
const ymd = (d: Date, mark: string): string =>
  [d.getUTCFullYear(), pad(d.getUTCMonth() + 1), pad(d.getUTCDate())].join(mark);
const ms = (d: Date): string => pad(d.getUTCMilliseconds(), 3);

const formats: Record<string, { write: (d: Date) => string; isWholeSecond?: true }> = {
  "ISO 8601": { write: (d) => d.toISOString() },
  "ISO 8601 with an offset": { write: (d) => `${new Date(d.getTime() + 19_800_000).toISOString().slice(0, -1)}+05:30` },
  log4j: { write: (d) => `${ymd(d, "-")} ${clockOf(d)},${ms(d)}` },
  "with slashes": { write: (d) => `${ymd(d, "/")} ${clockOf(d)}.${ms(d)}` },
  "with dots": { write: (d) => `${ymd(d, ".")} ${clockOf(d)}.${ms(d)}` },
  compact: { write: (d) => `${ymd(d, "")}-${clockOf(d)}:${ms(d)}` },
  "compact, not padded": {
    write: (d) =>
      `${ymd(d, "")}-${d.getUTCHours()}:${d.getUTCMinutes()}:${d.getUTCSeconds()}:${d.getUTCMilliseconds()}`,
  },
  "ISO 8601 basic": { write: (d) => `${ymd(d, "")}T${clockOf(d).replaceAll(":", "")}.${ms(d)}Z` },
  "common log": {
    write: (d) => `[${pad(d.getUTCDate())}/${nameOf(d)}/${d.getUTCFullYear()}:${clockOf(d)} +0000]`,
    isWholeSecond: true,
  },
  asctime: {
    write: (d) =>
      `${weekdays[d.getUTCDay()]} ${nameOf(d)} ${String(d.getUTCDate()).padStart(2)} ${clockOf(d)} ${d.getUTCFullYear()}`,
    isWholeSecond: true,
  },
  "milliseconds since 1970": { write: (d) => String(d.getTime()) },
  "seconds since 1970": { write: (d) => String(Math.floor(d.getTime() / 1_000)), isWholeSecond: true },
};
const dates = fc.date({
  min: new Date("2001-09-10T00:00:00Z"),
  max: new Date("2099-12-31T00:00:00Z"),
  noInvalidDate: true,
});

describe("a date that was written is read back", () => {
  test.each(Object.entries(formats))("%s", (_name, { write, isWholeSecond }) => {
    fc.assert(
      fc.property(dates, fc.constantFrom("", " INFO started", "|x", "] y"), (date, rest) => {
        const expected = isWholeSecond ? Math.floor(date.getTime() / 1_000) * 1e6 : date.getTime() * 1_000;
        expect(findTime(`${write(date)}${rest}`, latest)?.micros).toBe(expected);
      }),
    );
  });

  test("syslog, for the year before the latest", () => {
    const min = new Date(latest / 1_000 - 364 * 86_400_000);
    fc.assert(
      fc.property(fc.date({ min, max: new Date(latest / 1_000), noInvalidDate: true }), (date) => {
        const line = `${nameOf(date)} ${String(date.getUTCDate()).padStart(2)} ${clockOf(date)} host su: x`;
        expect(findTime(line, latest)?.micros).toBe(Math.floor(date.getTime() / 1_000) * 1e6);
      }),
    );
  });
});

test("what is written as RFC 3339 is found again to the microsecond", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1e15, max: 4.1e15 }), (micros) => {
      expect(findTime(rfc3339Of(micros), latest)?.micros).toBe(micros);
    }),
  );
});
