import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hashOf, isKey, newKey, prefixOf } from "./key.ts";

test("new keys differ, have the key form and are told apart by their prefix", () => {
  const keys = Array.from({ length: 1_000 }, newKey);
  expect(keys.every(isKey)).toBe(true);
  expect(new Set(keys.map(prefixOf)).size).toBe(1_000);
  expect(keys.every((key) => key.startsWith(prefixOf(key)) && prefixOf(key).length === 12)).toBe(true);
});

test("text of any other form is no key", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(isKey(text)).toBe(false);
      expect(isKey(newKey() + text)).toBe(text === "");
    }),
  );
});

test("the hash of a key is its SHA-256", () => {
  const key = newKey();
  expect(hashOf(key)).toBe(createHash("sha256").update(key).digest("hex"));
});
