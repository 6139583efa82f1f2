import { copyRowOf, fieldsOf, monthOf } from "@millrace/events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalTimeOf, timeOfUuidV7 } from "./event-time.ts";
import { EventError, parseEvent } from "./parse-event.ts";
import { NumberOutOfRangeError, parseJson } from "./parse-json.ts";
import { randomUUIDv7 } from "./uuid-v7.ts";

const receivedAt = "2026-11-23T10:00:00.000Z";
const codeOf = (value: unknown): string => {
  try {
    parseEvent(value, receivedAt);
    return "accepted";
  } catch (error) {
    if (error instanceof EventError) return error.code;
    throw error;
  }
};
const event = { source: "/s", type: "t" };

describe("an event", () => {
  test("keeps the attributes it came with", () => {
    const sent = {
      ...event,
      id: "any string: äß/%20\\",
      subject: "x",
      time: "2026-01-31T23:59:59.5Z",
      data: { a: [1] },
    };
    expect(parseEvent(sent, receivedAt)).toEqual({
      id: sent.id,
      source: "/s",
      type: "t",
      subject: "x",
      time: "2026-01-31T23:59:59.5Z",
      dataJson: '{"a":[1]}',
    });
  });

  test("without an id gets a UUIDv7, and without a time that of its UUIDv7 id or of its arrival", () => {
    expect(timeOfUuidV7(parseEvent(event, receivedAt).id)).toBeDefined();
    expect(parseEvent({ ...event, id: "x" }, receivedAt).time).toBe(receivedAt);
    const id = randomUUIDv7(Date.parse("2025-03-01T00:00:00.001Z"));
    expect(parseEvent({ ...event, id }, receivedAt).time).toBe("2025-03-01T00:00:00.001Z");
  });

  test("keeps further attributes as extensions, and its data null apart from no data", () => {
    expect(parseEvent({ ...event, specversion: "1.0", dataschema: "x:y", data: null }, receivedAt)).toMatchObject({
      extensionsJson: '{"dataschema":"x:y"}',
      dataJson: "null",
    });
    expect(parseEvent(event, receivedAt)).not.toHaveProperty("dataJson");
  });

  test.each([
    ["a number", 7, "invalid_event"],
    ["an array", [], "invalid_event"],
    ["null", null, "invalid_event"],
    ["no source", { type: "t" }, "missing_attribute"],
    ["an empty type", { source: "s", type: "" }, "invalid_attribute"],
    ["a number for an id", { ...event, id: 7 }, "invalid_attribute"],
    ["a control character", { ...event, subject: "a\tb" }, "invalid_attribute"],
    ["a lone surrogate", { ...event, subject: "\ud800" }, "invalid_attribute"],
    ["an id of 1,025 bytes", { ...event, id: "x".repeat(1_025) }, "invalid_attribute"],
    ["a time that is no date", { ...event, time: "2026-02-30T00:00:00Z" }, "invalid_time"],
    ["a time without a zone", { ...event, time: "2026-02-01T00:00:00" }, "invalid_time"],
    ["a time in the year 52217", { ...event, time: "+052217-01-01T00:00:00Z" }, "invalid_time"],
    ["a number for a time", { ...event, time: 1_700_000_000 }, "invalid_time"],
    ["another specversion", { ...event, specversion: "0.3" }, "unsupported_specversion"],
    ["NUL in its data", { ...event, data: { a: ["\u0000"] } }, "unstorable_character"],
    ["a lone surrogate in a key", { ...event, data: { "\udfff": 1 } }, "unstorable_character"],
    ["an extension named __proto__", JSON.parse('{"source":"s","type":"t","__proto__":1}'), "accepted"],
    ["an upper-case extension", { ...event, traceId: "x" }, "invalid_attribute"],
  ])("with %s is judged", (_what, value, code) => {
    expect(codeOf(value)).toBe(code);
  });

  test("may have data 64 deep and not deeper, and text that only looks like an escape", () => {
    const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    expect(codeOf({ ...event, data: nested(64) })).toBe("accepted");
    expect(codeOf({ ...event, data: nested(65) })).toBe("data_too_deep");
    expect(codeOf({ ...event, data: "\\u0000 \\ud800" })).toBe("accepted");
  });
});

describe("a time", () => {
  test.each([
    ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"],
    ["2026-11-23t10:00:00.120z", "2026-11-23T10:00:00.120Z"],
    ["2026-12-01T00:30:00.1+01:00", "2026-11-30T23:30:00.1Z"],
    ["2026-11-30T23:59:59.9999999Z", "2026-11-30T23:59:59.999999Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
    ["2026-02-29T00:00:00Z", undefined],
    ["2026-11-23T24:00:00Z", undefined],
    ["0000-01-01T00:00:00Z", undefined],
    ["0001-01-01T00:00:00+01:00", undefined],
    ["2026-11-23", undefined],
  ])("%s is kept as %s", (text, canonical) => {
    expect(canonicalTimeOf(text)).toBe(canonical);
  });

  test("of any zone names the same instant", () => {
    const zone = fc.tuple(fc.constantFrom("+", "-"), fc.integer({ min: 0, max: 14 }), fc.integer({ min: 0, max: 59 }));
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0002-01-01"), max: new Date("9998-12-31"), noInvalidDate: true }),
        zone,
        (date, [sign, h, m]) => {
          const shifted = new Date(date.getTime() + (sign === "+" ? 1 : -1) * (h * 60 + m) * 60_000).toISOString();
          const pad = (n: number): string => String(n).padStart(2, "0");
          expect(canonicalTimeOf(`${shifted.slice(0, -1)}${sign}${pad(h)}:${pad(m)}`)).toBe(date.toISOString());
        },
      ),
    );
  });
});

describe("JSON", () => {
  test("numbers stay exactly as they were written", () => {
    for (const text of [
      "12345678901234567890",
      "1.50e-7",
      "0.12345678901234567890123",
      "-0",
      "9007199254740993",
      "1e400",
    ]) {
      expect(JSON.stringify(parseJson(`{"n": [${text}]}`))).toContain(text === "-0" ? "0" : text);
    }
    expect(() => parseJson("[1e5000]")).toThrow(NumberOutOfRangeError);
  });

  test("is otherwise what JSON.parse makes of it", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(JSON.stringify(parseJson(text)))).toEqual(JSON.parse(JSON.stringify(JSON.parse(text))));
      }),
    );
  });
});

test("a row of any event can be read back and is one line", () => {
  const text = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
    .filter((s) => codeOf({ ...event, id: s }) === "accepted");
  fc.assert(
    fc.property(text, text, fc.jsonValue(), (id, source, data) => {
      const parsed = parseEvent({ id, source, type: "t", data }, receivedAt);
      const row = copyRowOf(parsed, receivedAt);
      expect(row.indexOf("\n")).toBe(row.length - 1);
      expect(fieldsOf(row)).toEqual([id, source, "t", undefined, receivedAt, parsed.dataJson, undefined, receivedAt]);
      expect(monthOf(parsed.time)).toBe("2026-11");
    }),
  );
});
