import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalText, checksumOf } from "./checksum.ts";

const line = fc.string({ unit: fc.constantFrom("a", "'", ";", " ", "\t", "é", "-") });
const text = fc.array(line).map((lines) => lines.join("\n"));

test("the canonical text is its own canonical text", () => {
  fc.assert(fc.property(text, (sql) => canonicalText(canonicalText(sql)) === canonicalText(sql)));
});

test("what editors change by themselves does not change the checksum", () => {
  fc.assert(
    fc.property(
      text,
      fc.constantFrom("\r\n", "\r", " \n", "\t\r\n"),
      fc.constantFrom("", "\n", "\r\n\r\n"),
      (sql, ending, tail) => {
        expect(checksumOf(`\uFEFF${sql.replaceAll("\n", ending)}${tail}`)).toBe(checksumOf(sql));
      },
    ),
  );
});

test("any other change changes the checksum, also one of indentation", () => {
  const checksums = ["SELECT 1", "SELECT 2", " SELECT 1", "SELECT  1", "SELECT 1;", "SELECT\n1"].map(checksumOf);
  expect(new Set(checksums).size).toBe(checksums.length);
});

test("a checksum says how it was made", () => {
  expect(checksumOf("SELECT 1")).toMatch(/^sha256-v1:[0-9a-f]{64}$/);
});
