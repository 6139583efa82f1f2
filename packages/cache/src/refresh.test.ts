import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { jsonCodec } from "./codec.ts";
import { entryOf } from "./entry.ts";
import { createNamespace } from "./namespace.ts";
import { createModelStore } from "./testing/model-store.ts";

const ttlMs = 10_000;
const loadMs = 1_000;

/** A namespace whose clock is moved by hand, and whose loads take a second of it. */
function openWorld(random: () => number) {
  let nowMs = 0;
  let loads = 0;
  const store = createModelStore({ now: () => nowMs, loadLeaseMs: 5_000 });
  const namespace = createNamespace<number>(
    { name: "n", codec: jsonCodec(), forms: ["{key}"], ttlMs, memoryTtlMs: 60_000 },
    {
      store,
      isFresh: () => true,
      time: { now: () => nowMs, wall: () => nowMs, sleep: async () => {} },
      random,
      token: () => `token-${loads}`,
    },
  );
  const load = async (): Promise<number> => {
    loads += 1;
    nowMs += loadMs;
    return loads;
  };
  return {
    store,
    get: (key = "k") => namespace.get(key, load),
    loads: () => loads,
    async passTo(ms: number) {
      nowMs = ms;
      await turn();
    },
  };
}

/** The first moment, in half seconds, at which a reader sets off another load. */
async function firstRefreshAt(random: number): Promise<number> {
  const world = openWorld(() => random);
  await world.get();
  for (let at = loadMs; at < 3 * ttlMs; at += 500) {
    await world.passTo(at);
    expect(await world.get(), "the reader never waits").toBe(1);
    await turn();
    if (world.loads() > 1) return at;
  }
  return Number.POSITIVE_INFINITY;
}

test("one of many readers loads early, the earlier the longer a load takes and as its draw says", async () => {
  // The TTL is spread by a tenth by the same draw: 9 s at 0, 11 s at 1. Below that by -loadMs * ln(draw).
  expect(await firstRefreshAt(1 - Number.EPSILON)).toBe(11_000);
  expect(await firstRefreshAt(0.5)).toBe(9_500); // 10 s - 0.69 s
  expect(await firstRefreshAt(0.01)).toBe(4_500); // 9.02 s - 4.6 s
});

test("values that were loaded together are not due together", async () => {
  let drawn = 0;
  const world = openWorld(() => {
    drawn += 1;
    return (drawn % 10) / 10;
  });
  const ttls: number[] = [];
  for (const key of ["a", "b", "c", "d", "e"]) {
    await world.get(key);
    const bytes = await world.store.get({ namespace: "n", key });
    ttls.push((await entryOf(bytes ?? Buffer.alloc(0)))?.ttlMs ?? 0);
  }
  expect(new Set(ttls).size).toBe(5);
  for (const ttl of ttls) expect(Math.abs(ttl - ttlMs)).toBeLessThanOrEqual(ttlMs / 10);
});
