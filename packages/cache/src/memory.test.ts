import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemory } from "./memory.ts";

const maxBytes = 20_000;
const kept = (value: string | undefined) => ({ value, until: 1, refreshAt: 1 });

test("whatever is put in, no more bytes are held than may be, and what was put in last is there", () => {
  const step = fc.record({
    key: fc.string({ minLength: 1, maxLength: 20 }),
    bytes: fc.nat(maxBytes / 8),
    isAbsent: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = createMemory<string>(maxBytes);
      for (const { key, bytes, isAbsent } of steps) {
        memory.set(key, kept(isAbsent ? undefined : "x".repeat(bytes)), isAbsent ? 0 : bytes);
        // Keys without a value have an eighth more.
        expect(memory.bytes).toBeLessThanOrEqual(maxBytes * 1.125);
        expect(memory.get(key)?.value?.length).toBe(isAbsent ? undefined : bytes);
      }
    }),
  );
});

test("a value too large for it is not kept, and a flood of keys without one pushes none out", () => {
  const memory = createMemory<string>(maxBytes);
  memory.set("small", kept("x"), 1);
  memory.set("large", kept("x"), maxBytes);
  expect(memory.get("large")).toBeUndefined();
  for (let n = 0; n < 10_000; n += 1) memory.set(`absent-${n}`, kept(undefined), 0);
  expect(memory.get("small")?.value).toBe("x");
});
