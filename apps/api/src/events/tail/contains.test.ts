import { type Db, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { contains, parseExactJson } from "./contains.ts";

const containment = statement<[pairs: string], { contained: boolean }>(
  "test.json_containment",
  `SELECT (pair->>0)::jsonb @> (pair->>1)::jsonb AS contained
     FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS pairs (pair, place) ORDER BY place`,
);

/** What PostgreSQL says of pairs of JSON texts. */
async function inPostgres(db: Db, pairs: readonly (readonly [string, string])[]): Promise<boolean[]> {
  return (await db.rows(containment, [JSON.stringify(pairs)])).map(({ contained }) => contained);
}

function here([value, part]: readonly [string, string]): boolean {
  return contains(parseExactJson(value), parseExactJson(part));
}

const number = fc.constantFrom(
  ...[
    "0",
    "-0",
    "0.0",
    "1",
    "1.0",
    "1e0",
    "10e-1",
    "-1",
    "-1.0",
    "100",
    "1e2",
    "1E+2",
    "0.01",
    "1e-2",
    "1e400",
    "10e399",
  ],
  ...["12345678901234567890", "12345678901234567891", "1.2345678901234561", "1.2345678901234562", "0.1", "0.10"],
);
const text = fc.constantFrom(...["", "a", "A", "é", "1", "\\", '"', "🙂", "\t"].map((value) => JSON.stringify(value)));
const name = fc.constantFrom("a", "b", "", "__proto__", "constructor", "length", "0");
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(number, text, fc.constantFrom("true", "false", "null")),
    fc.array(tie("json"), { maxLength: 4 }).map((elements) => `[${elements}]`),
    fc
      .array(fc.tuple(name, tie("json")), { maxLength: 4 })
      .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`)}}`),
  ),
}));

/** A part that is often contained: some members and elements left out, repeated, in another order. */
function partOf(value: unknown, chance: () => number): unknown {
  if (typeof value !== "object" || value === null || JSON.isRawJSON(value)) return value;
  if (Array.isArray(value)) {
    if (chance() < 0.1) return value[0] ?? value;
    const kept = value.filter(() => chance() < 0.7).map((element) => partOf(element, chance));
    return chance() < 0.5 ? kept.toReversed() : [...kept, ...kept.slice(0, 1)];
  }
  const kept = Object.entries(value).filter(() => chance() < 0.7);
  return Object.fromEntries(kept.map(([key, member]) => [key, partOf(member, chance)]));
}

test("containment is PostgreSQL's @>, for values of any shape and for parts of them", async () => {
  await using database = await createTestDatabase();
  const seen = { true: 0, false: 0 };
  const chances = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
  const pair = fc.oneof(
    fc.tuple(json, json),
    fc.tuple(json, chances).map(([value, stream]) => {
      const part = partOf(parseExactJson(value), () => stream.next().value ?? 0);
      return [value, JSON.stringify(part)] as [string, string];
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: 20, maxLength: 60 }), async (pairs) => {
      const found = pairs.map(here);
      expect(found).toEqual(await inPostgres(database.db, pairs));
      for (const contained of found) seen[`${contained}`] += 1;
    }),
    { numRuns: 100 },
  );
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(500);
});

test("the cases of PostgreSQL's documentation", async () => {
  await using database = await createTestDatabase();
  const pairs = [
    ['"foo"', '"foo"'],
    ["[1,2,3]", "[1,3]"],
    ["[1,2,3]", "[3,1]"],
    ["[1,2,3]", "[1,2,2]"],
    ["[1,2,[1,3]]", "[1,3]"],
    ["[1,2,[1,3]]", "[[1,3]]"],
    ['{"foo":{"bar":"baz"}}', '{"bar":"baz"}'],
    ['{"foo":{"bar":"baz"}}', '{"foo":{}}'],
    ['["foo","bar"]', '"bar"'],
    ['"bar"', '["bar"]'],
    ['{"a":[1,2]}', '{"a":1}'],
    ["[]", "[]"],
    ["1", "[]"],
    ["[[1]]", "1"],
    ['{"a":1,"a":2}', '{"a":1}'],
  ] as const;
  expect(pairs.map(here)).toEqual(await inPostgres(database.db, pairs));
});
