import fc from "fast-check";
import { expect, test } from "vitest";
import { createBatcher } from "./batcher.ts";

const sizeOf = (rows: number) => ({ rows, length: rows * 10 });
const never = 3_600_000;

test("a full batch leaves at once, and its items are done when it is stored", async () => {
  const stored: number[][] = [];
  const batcher = createBatcher<number>({
    store: async (items) => void stored.push([...items]),
    sizeOf,
    maxRows: 5,
    maxLength: 1_000,
    maxWaitMs: never,
    maxParallel: 1,
  });
  await Promise.all([batcher.push(2), batcher.push(3)]);
  expect(stored).toEqual([[2, 3]]);
});

test("an item that fits no more opens the next batch; disposing stores what is left", async () => {
  const stored: number[][] = [];
  const batcher = createBatcher<number>({
    store: async (items) => void stored.push([...items]),
    sizeOf,
    maxRows: 5,
    maxLength: 1_000,
    maxWaitMs: never,
    maxParallel: 2,
  });
  const pushes = [batcher.push(4), batcher.push(3)];
  await batcher[Symbol.asyncDispose]();
  await Promise.all(pushes);
  expect(stored).toEqual([[4], [3]]);
});

test("a batch that cannot be stored fails its own items and no others", async () => {
  const batcher = createBatcher<number>({
    store: async ([first]) => {
      if (first === 9) throw new Error("no");
    },
    sizeOf,
    maxRows: 1,
    maxLength: 1_000,
    maxWaitMs: never,
    maxParallel: 1,
  });
  const outcomes = await Promise.allSettled([batcher.push(1), batcher.push(9), batcher.push(1)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("whatever comes is stored once, in batches within the limits, never more at once than allowed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 10 }),
      async (items, maxParallel, maxRows) => {
        const stored: number[] = [];
        let underWay = 0;
        const batcher = createBatcher<number>({
          store: async (batch) => {
            underWay += 1;
            expect(underWay).toBeLessThanOrEqual(maxParallel);
            const rows = batch.reduce((sum, item) => sum + item, 0);
            expect(batch.length === 1 || rows <= maxRows).toBe(true);
            await new Promise(setImmediate);
            stored.push(...batch);
            underWay -= 1;
          },
          sizeOf,
          maxRows,
          maxLength: 1_000,
          maxWaitMs: 1,
          maxParallel,
        });
        await Promise.all(items.map((item) => batcher.push(item)));
        expect(stored.sort()).toEqual([...items].sort());
      },
    ),
  );
});
