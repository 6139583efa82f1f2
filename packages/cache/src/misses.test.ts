import { expect, test } from "vitest";
import { jsonCodec } from "./codec.ts";
import { createNamespace } from "./namespace.ts";
import type { CacheStore } from "./store.ts";
import { createModelStore } from "./testing/model-store.ts";

/** A namespace on a store whose calls are noted, and whose fills wait for a signal. */
function openWorld({ hasMemory = true } = {}) {
  const model = createModelStore({ now: () => 0, loadLeaseMs: 5_000 });
  const calls: string[] = [];
  const fills = Promise.withResolvers<void>();
  const store: CacheStore = {
    ...model,
    get: async (at) => {
      calls.push("get");
      return await model.get(at);
    },
    lease: async (at, token) => {
      calls.push("lease");
      return await model.lease(at, token);
    },
    fill: async (...all) => {
      calls.push("fill");
      await fills.promise;
      return await model.fill(...all);
    },
  };
  let tokens = 0;
  const namespace = createNamespace<number>(
    { name: "n", codec: jsonCodec(), forms: ["{key}"], ttlMs: 10_000, memoryBytes: hasMemory ? 1_000_000 : 0 },
    {
      store,
      isFresh: () => true,
      time: { now: () => 0, wall: () => 0, sleep: async () => {} },
      random: () => 0.5,
      token: () => {
        tokens += 1;
        return `token-${tokens}`;
      },
    },
  );
  return { calls, namespace, letFill: fills.resolve };
}

test("who reads first is answered without waiting until Redis has it, and so are those after", async () => {
  const { calls, namespace } = openWorld();
  expect(await namespace.get("k", async () => 1)).toBe(1);
  expect(namespace.get("k", async () => 2)).toBe(1);
  expect(calls).toEqual(["get", "lease", "fill"]);
});

test("without memory whoever reads it next would find nothing in Redis, so that the first waits", async () => {
  const { calls, namespace, letFill } = openWorld({ hasMemory: false });
  const first = namespace.get("k", async () => 1);
  await expect.poll(() => calls).toEqual(["get", "lease", "fill"]);
  const second = namespace.get("k", async () => 2);
  letFill();
  expect(await Promise.all([first, second])).toEqual([1, 1]);
  expect(calls).toEqual(["get", "lease", "fill"]);
});

test("what was just forgotten is asked for with a lease at once, and found if another process was faster", async () => {
  const { calls, namespace, letFill } = openWorld();
  letFill();
  await namespace.get("k", async () => 1);
  calls.length = 0;
  namespace.forget("k");
  // The other process's value is still that of before: nothing was invalidated in this store.
  expect(await namespace.get("k", async () => 2)).toBe(1);
  expect(calls).toEqual(["lease"]);
  expect(namespace.stats).toMatchObject({ redisHits: 1, waited: 0, misses: 1 });
});
