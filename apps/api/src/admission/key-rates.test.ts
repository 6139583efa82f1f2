import { createTestRedis } from "@millrace/embedded/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createKeyRates, type RatePolicy, type SharedCounts } from "./key-rates.ts";
import { connectSharedCounts } from "./shared-counts.ts";

const perTenSeconds: RatePolicy = { name: "burst", events: 100, windowSeconds: 10 };
const perDay: RatePolicy = { name: "day", events: 150, windowSeconds: 86_400 };
const alone: SharedCounts = { add: async (counts) => counts.map(({ by }) => by) };

test("a key has what its policy leaves, until the window is over", () => {
  let now = 1_000_000_003_000;
  const rates = createKeyRates({ shared: alone, now: () => now });
  expect(rates.state("key", [])).toBeUndefined();
  rates.charge("key", [perTenSeconds], 30);
  expect(rates.state("key", [perTenSeconds])).toEqual({ policy: perTenSeconds, remaining: 70, resetSeconds: 7 });
  expect(rates.state("another", [perTenSeconds])).toMatchObject({ remaining: 100 });
  rates.charge("key", [perTenSeconds], 80);
  expect(rates.state("key", [perTenSeconds])).toMatchObject({ remaining: -10 });
  now += 7_000;
  expect(rates.state("key", [perTenSeconds])).toMatchObject({ remaining: 100, resetSeconds: 10 });
});

test("of several policies the tightest is told, and of those used up the longest", () => {
  let now = 1_000_000_000_000;
  const rates = createKeyRates({ shared: alone, now: () => now });
  const both = [perTenSeconds, perDay];
  rates.charge("key", both, 90);
  expect(rates.state("key", both)?.policy).toBe(perTenSeconds);
  now += 10_000;
  rates.charge("key", both, 60);
  expect(rates.state("key", both)).toMatchObject({ policy: perDay, remaining: 0 });
  rates.charge("key", both, 60);
  expect(rates.state("key", both)?.policy).toBe(perDay);
});

test("processes learn of each other's counts through Redis, whatever the order, and count nothing twice", async () => {
  await using redis = await createTestRedis();
  using counts = connectSharedCounts({ ...redis, onError: () => {} });
  await fc.assert(
    fc.asyncProperty(
      fc.uuid(),
      fc.array(fc.record({ process: fc.nat({ max: 2 }), events: fc.nat({ max: 20 }), sync: fc.boolean() })),
      async (keyId, steps) => {
        const policy = { ...perDay, events: 1_000_000 };
        const now = (): number => 1_000_000_000_000;
        const processes = Array.from({ length: 3 }, () => createKeyRates({ shared: counts, now }));
        for (const { process, events, sync } of steps) {
          processes[process]?.charge(keyId, [policy], events);
          if (sync) await processes[process]?.sync();
        }
        for (const rates of processes) rates.state(keyId, [policy]); // a process that has seen the key asks for it
        for (let round = 0; round < 2; round += 1) await Promise.all(processes.map((rates) => rates.sync()));
        const sent = steps.reduce((sum, { events }) => sum + events, 0);
        for (const rates of processes) expect(rates.state(keyId, [policy])?.remaining).toBe(policy.events - sent);
      },
    ),
    { numRuns: 30 },
  );
});

test("counts that could not be shared are shared later", async () => {
  let isAway = true;
  let total = 0;
  const rates = createKeyRates({
    shared: {
      add: async (counts) => {
        if (isAway) throw new Error("away");
        return counts.map(({ by }) => {
          total += by;
          return total;
        });
      },
    },
    now: () => 1_000_000_000_000,
  });
  rates.charge("key", [perDay], 5);
  await expect(rates.sync()).rejects.toThrow("away");
  expect(rates.state("key", [perDay])?.remaining).toBe(145);
  isAway = false;
  await rates.sync();
  expect(total).toBe(5);
});
