import fc from "fast-check";
import { expect, test } from "vitest";
import { nearestOf, suggestionFor } from "./nearest.ts";

const names = ["start", "migrate", "keys", "jobs", "partitions", "backup", "dead-letters", "alerts", "doctor"];

test.each([
  ["strat", "start"],
  ["migarte", "migrate"],
  ["dead-leters", "dead-letters"],
  ["partition", "partitions"],
  ["doc", "doctor"],
  ["KEYS", "keys"],
  ["frobnicate", undefined],
  ["x", undefined],
])("%s means %s", (text, name) => {
  expect(nearestOf(text, names)).toBe(name);
});

test("a name with one letter too many, too few or swapped is found again", () => {
  const long = names.filter(({ length }) => length > 5);
  const spoil = (name: string, at: number, how: number): string => {
    if (how === 0) return name.slice(0, at) + name.slice(at + 1);
    if (how === 1) return `${name.slice(0, at)}q${name.slice(at)}`;
    return name.slice(0, at) + (name[at + 1] ?? "") + (name[at] ?? "") + name.slice(at + 2);
  };
  fc.assert(
    fc.property(fc.constantFrom(...long), fc.nat(4), fc.nat(2), (name, at, how) => {
      expect(nearestOf(spoil(name, at, how), names)).toBe(name);
    }),
  );
});

test("nothing is suggested where nothing is near", () => {
  expect(suggestionFor("zzz", names)).toBe("");
  expect(suggestionFor("job", names)).toBe(' Did you mean "jobs"?');
});
