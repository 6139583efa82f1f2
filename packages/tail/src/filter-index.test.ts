import { copyRowOf } from "@millrace/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { channelsOf } from "./channel.ts";
import { createFilterIndex } from "./filter-index.ts";
import { messageOf, textOf } from "./message.ts";
import { createTokenBucket } from "./token-bucket.ts";

const value = fc.constantFrom("a", "b", "\\", "\\N", "N", "-", "=a", "a\\\\b", "é 🙂");
const maybe = fc.option(value, { nil: undefined });
const filter = fc.record({ source: maybe, type: maybe, subject: maybe });
const row = fc
  .record({ source: value, type: value, subject: maybe })
  .map(({ subject, ...event }) =>
    copyRowOf(
      { id: "1", time: "2026-11-24T00:00:00Z", dataJson: '{"a":"\\\\t"}', ...event, ...(subject && { subject }) },
      "2026-11-24T00:00:00Z",
    ),
  );

test("a row goes to those filters whose every attribute it has, and to no others", () => {
  fc.assert(
    fc.property(fc.uniqueArray(filter, { selector: (one) => JSON.stringify(one) }), row, (filters, line) => {
      const [, ...attributes] = line.split("\t", 4);
      const [source, type, subject] = attributes.map((text) =>
        text === "\\N" ? undefined : text.replaceAll("\\\\", "\\"),
      );
      const expected = filters.filter(
        (one) =>
          (one.source === undefined || one.source === source) &&
          (one.type === undefined || one.type === type) &&
          (one.subject === undefined || one.subject === subject),
      );
      const found = createFilterIndex(filters.map((one) => [one, one] as const)).matches(line);
      expect(new Set(found)).toEqual(new Set(expected));
      expect(found).toHaveLength(expected.length);
    }),
  );
});

test("a channel's name tells its filter, and names of others tell none", () => {
  const names = channelsOf({ prefix: "one", database: 0 });
  fc.assert(fc.property(filter, (one) => void expect(names.filterOf(names.nameOf(one))).toEqual(one)));
  const others = ["", "one:tail:0:", "one:tail:0:[", "one:tail:0:[1,2,3]", 'one:tail:0:["a"]', "one:tail:0:null"];
  const neighbour = channelsOf({ prefix: "one", database: 1 }).nameOf({ source: "a" });
  expect([...others, neighbour].map(names.filterOf)).toEqual([...others, neighbour].map(() => undefined));
});

test("a message arrives as it was sent", () => {
  const message = fc.record({ id: fc.stringMatching(/^[\w-]+$/), leftOut: fc.nat(), lines: fc.array(row) });
  fc.assert(fc.property(message, (sent) => void expect(messageOf(textOf(sent))).toEqual(sent)));
});

test("however it is used, a bucket lets through no more than its rate and one second's rest", () => {
  const step = fc.record({ waitMs: fc.nat(3_000), wanted: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let nowMs = 0;
      let taken = 0;
      const bucket = createTokenBucket(10, () => nowMs);
      for (const { waitMs, wanted } of steps) {
        nowMs += waitMs;
        const count = Math.min(wanted, Math.floor(bucket.available()));
        bucket.take(count);
        taken += count;
        expect(taken).toBeLessThanOrEqual(10 + (10 * nowMs) / 1_000 + 1e-6);
        expect(count).toBeGreaterThanOrEqual(Math.min(wanted, waitMs >= 1_000 ? 10 : 0));
      }
    }),
  );
});
