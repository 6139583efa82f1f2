import fc from "fast-check";
import { getAddress } from "viem/utils";
import { expect, test } from "vitest";
import { walletAddress } from "./wallet-address.ts";

const digits = fc.stringMatching(/^[0-9a-f]{40}$/);

test("any address is taken in lower case, in upper case and with its checksum, and is the same in all", () => {
  fc.assert(
    fc.property(digits, (text) => {
      const lower = `0x${text}` as const;
      for (const form of [lower, `0x${text.toUpperCase()}`, getAddress(lower)]) {
        expect(walletAddress.parse(form)).toBe(lower);
      }
    }),
  );
});

test("a checksum with the case of one letter changed is wrong, unless no letter is left in the other case", () => {
  fc.assert(
    fc.property(digits, fc.nat({ max: 39 }), (text, at) => {
      const correct = getAddress(`0x${text}`);
      const letter = correct[2 + at] ?? "";
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
      const changed = `${correct.slice(0, 2 + at)}${other}${correct.slice(3 + at)}`;
      const isOneCase = /^0x(?:[0-9a-f]*|[0-9A-F]*)$/.test(changed);
      expect(walletAddress.safeParse(changed).success).toBe(other === letter || isOneCase);
    }),
  );
});

test("anything else is no address", () => {
  for (const text of [
    "",
    "0x",
    "0x12",
    `0x${"g".repeat(40)}`,
    `0x${"a".repeat(41)}`,
    "a".repeat(40),
    ` 0x${"a".repeat(40)}`,
  ]) {
    expect(walletAddress.safeParse(text).success, text).toBe(false);
  }
});
