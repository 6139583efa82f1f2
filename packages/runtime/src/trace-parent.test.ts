import fc from "fast-check";
import { expect, test } from "vitest";
import { traceParentIn, traceParentText } from "./trace-parent.ts";

const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length })
    .filter((text) => /[^0]/.test(text));

test("what is written is read again", () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, isSampled) => {
      const parent = { traceId, spanId, isSampled };
      expect(traceParentIn(traceParentText(parent))).toEqual(parent);
    }),
  );
});

const [trace, span] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];

test.each([
  ["a later version, with more behind it", `cc-${trace}-${span}-01-more`],
  ["flags that are not known", `00-${trace}-${span}-ff`],
])("%s is understood", (_what, text) => {
  expect(traceParentIn(text)).toEqual({ traceId: trace, spanId: span, isSampled: true });
});

test.each([
  undefined,
  "",
  "none",
  `ff-${trace}-${span}-01`,
  `00-${"0".repeat(32)}-${span}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${trace}-${span}-01-more`,
  `00-${trace}-${span}`,
  `00-${trace}-${span}-01\n`,
  `cc-${trace}-${span}-01-${"x".repeat(1_000)}`,
])("%j is none", (text) => expect(traceParentIn(text)).toBeUndefined());
