import fc from "fast-check";
import { expect, test } from "vitest";
import { queueOf, slotOf, wireNamesOf } from "./queue-names.ts";

const count = fc.integer({ min: 2, max: 64 });

test("each of N queues lies in a part of the slots of its own", () => {
  fc.assert(
    fc.property(count, (count) => {
      const tags = wireNamesOf("ingest", count).map((name) => /\{(.+)\}/.exec(name)?.[1] ?? "");
      expect(tags.map((tag) => Math.floor((slotOf(tag) * count) / 16_384))).toEqual([...tags.keys()]);
    }),
  );
});

test("a name in Redis tells which queue of the catalogue it is", () => {
  fc.assert(fc.property(count, (count) => wireNamesOf("ingest", count).every((name) => queueOf(name) === "ingest")));
  expect(wireNamesOf("upkeep", 1).map(queueOf)).toEqual(["upkeep"]);
});

test("the slots are those of Redis", () => {
  // CLUSTER KEYSLOT of a server
  expect([slotOf("ingest"), slotOf("upkeep"), slotOf("123456789")]).toEqual([6_899, 9_733, 12_739]);
});
