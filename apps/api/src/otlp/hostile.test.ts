import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createOtlpApp } from "./testing/post.ts";
import { attribute, bytesOf, double, fixed64, nested, raw, text, varint } from "./testing/protobuf.ts";

const example = (name: string): string => readFileSync(join(import.meta.dirname, "testing", name), "utf8");
const service = nested(1, attribute(1, "service.name", text(1, "a")));
const anyValues = attribute(
  9,
  "a",
  nested(6, attribute(1, "b", nested(5, nested(1, varint(3, -1)), nested(1, raw(7, "ff"))))),
);
const numberPoint = nested(1, fixed64(3, 10n ** 18n), double(4, 1.5), nested(5, raw(4, "0102030405060708")));
const buckets = raw(6, "01000000000000000200000000000000");
const protobufOf: Readonly<Record<string, Buffer>> = {
  "/v1/logs": bytesOf(
    nested(1, service, nested(2, nested(1, text(1, "s")), nested(2, fixed64(1, 5n), text(3, "x"), anyValues))),
  ),
  "/v1/traces": bytesOf(
    nested(
      1,
      service,
      nested(2, nested(2, raw(1, "01".repeat(16)), raw(2, "02".repeat(8)), anyValues, nested(11, text(2, "e")))),
    ),
  ),
  "/v1/metrics": bytesOf(
    nested(
      1,
      service,
      nested(
        2,
        nested(2, text(1, "m"), nested(7, numberPoint, varint(2, 2))),
        nested(2, text(1, "h"), nested(9, nested(1, fixed64(4, 3n), buckets, double(5, 2)))),
      ),
    ),
  ),
};
const jsonOf: Readonly<Record<string, readonly string[]>> = {
  "/v1/logs": ["logs.json", "events.json"],
  "/v1/traces": ["trace.json"],
  "/v1/metrics": ["metrics.json"],
};

/** A body with some of its bytes replaced, removed, inserted, or its end cut off. */
const mutations = fc.array(
  fc.record({
    at: fc.nat({ max: 10_000 }),
    remove: fc.integer({ min: 0, max: 4 }),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc
        .constantFrom(
          "{",
          "}",
          "[",
          '"',
          ",",
          "null",
          "1e999",
          "-0",
          "1e-7",
          "99999999999999999999",
          '"__proto__":',
          "\\ud800",
          '""',
        )
        .map((part) => Buffer.from(part)),
      fc.constantFrom("ffffffffffffffffff01", "0b", "0c", "8080808080", "0a00").map((hex) => Buffer.from(hex, "hex")),
    ),
    isCut: fc.integer({ min: 0, max: 19 }).map((chance) => chance === 0),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutated(body: Buffer, changes: typeof mutations extends fc.Arbitrary<infer T> ? T : never): Buffer {
  return changes.reduce((bytes, { at, remove, insert, isCut }) => {
    const place = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, place), insert, isCut ? Buffer.alloc(0) : bytes.subarray(place + remove)]);
  }, body);
}

test.each(Object.keys(protobufOf))(
  "no mutated body sent to %s fails the server, and what it accepts can be read back",
  async (path) => {
    await using app = await createOtlpApp();
    const bodies = [
      { body: protobufOf[path] ?? Buffer.alloc(0), type: "application/x-protobuf" },
      ...(jsonOf[path] ?? []).map((name) => ({ body: Buffer.from(example(name)), type: "application/json" })),
    ];
    for (const { body, type } of bodies) {
      const whole = await app.post(path, body, { "content-type": type });
      expect(whole.status).toBe(200);
      expect(whole.events.length).toBeGreaterThan(0);
    }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...bodies), mutations, async ({ body, type }, changes) => {
        const reply = await app.post(path, mutated(body, changes), { "content-type": type });
        expect([200, 400]).toContain(reply.status);
        expect(reply.type).toBe(type);
        if (reply.status === 400) expect(reply.events).toEqual([]);
        for (const row of reply.rows) {
          expect(row.indexOf("\n")).toBe(row.length - 1);
          expect(row.split("\t")).toHaveLength(8);
          expect(row).not.toMatch(/\\u0000|\\ud[89a-f]/);
        }
      }),
      { numRuns: 1_000 },
    );
  },
);
