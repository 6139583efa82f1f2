import { createTestRedis } from "@millrace/embedded/testing";
import { describe, expect, test } from "vitest";
import { createRedisStore } from "./redis-store.ts";
import type { CacheStore } from "./store.ts";
import { createModelStore } from "./testing/model-store.ts";

const users = (key: string) => ({ namespace: "users", key });

/** What the protocol relies on, of the real store and of the one that the model test puts in its place. */
const stores: Readonly<Record<string, () => Promise<{ store: CacheStore } & AsyncDisposable>>> = {
  async model() {
    const store = createModelStore({ now: () => performance.now(), loadLeaseMs: 10_000 });
    return { store, async [Symbol.asyncDispose]() {} };
  },
  async redis() {
    const redis = await createTestRedis();
    const store = createRedisStore({ ...redis, timeoutMs: 5_000, onError: () => {} });
    await store.connected();
    return {
      store,
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await redis[Symbol.asyncDispose]();
      },
    };
  },
};

describe.each(Object.entries(stores))("the %s store", (_name, open) => {
  test("gives one of those who ask the lease, and what it fills to the others", async () => {
    await using world = await open();
    const { store } = world;

    expect(await store.get(users("a"))).toBeUndefined();
    expect(await store.lease(users("a"), "one")).toEqual({ kind: "granted" });
    expect(await store.lease(users("a"), "two")).toEqual({ kind: "taken" });
    expect(await store.fill(users("a"), "two", Buffer.from("no"), 60_000)).toBe(false);
    expect(await store.fill(users("a"), "one", Buffer.from([0, 255, 10]), 60_000)).toBe(true);
    expect(await store.get(users("a"))).toEqual(Buffer.from([0, 255, 10]));
    expect(await store.lease(users("a"), "two")).toEqual({ kind: "value", bytes: Buffer.from([0, 255, 10]) });
    expect(await store.leaseAnew(users("a"), "two")).toBe(true);
    expect(await store.leaseAnew(users("a"), "three")).toBe(false);
    await store.release(users("a"), "three");
    expect(await store.leaseAnew(users("a"), "three")).toBe(false);
    await store.release(users("a"), "two");
    expect(await store.leaseAnew(users("a"), "three")).toBe(true);
  });

  test("an invalidation takes away values and leases, and leaves other keys alone", async () => {
    await using world = await open();
    const { store } = world;
    await store.lease(users("a"), "one");
    await store.lease(users("b"), "one");
    await store.lease(users("c"), "one");
    await store.fill(users("b"), "one", Buffer.from("b"), 60_000);
    await store.fill(users("c"), "one", Buffer.from("c"), 60_000);

    await store.invalidate([users("a"), users("b")]);

    expect(await store.fill(users("a"), "one", Buffer.from("old"), 60_000)).toBe(false);
    expect(await store.get(users("b"))).toBeUndefined();
    expect(await store.get(users("c"))).toEqual(Buffer.from("c"));
  });

  test("a pattern takes away what it matches, to the letter", async () => {
    await using world = await open();
    const { store } = world;
    for (const key of ["of/1/all", "of/1/active", "of/12/all", "of/[1]/all", "id/1"]) {
      await store.lease(users(key), "t");
      await store.fill(users(key), "t", Buffer.from(key), 60_000);
    }

    expect((await store.invalidateMatching({ namespace: "users", pattern: "of/\\[1\\]/*" })).values).toBe(1);
    expect((await store.invalidateMatching({ namespace: "users", pattern: "of/1/*" })).values).toBe(2);
    expect((await store.invalidateMatching({ namespace: "other", pattern: "*" })).values).toBe(0);
    expect(await store.get(users("of/12/all"))).toBeDefined();
    expect((await store.invalidateMatching({ namespace: "users", pattern: "*" })).values).toBe(2);
  });

  test("members hear of every invalidation in order, and their leases end when they are expelled", async () => {
    await using world = await open();
    const { store } = world;

    const start = await store.join("m");
    const first = await store.invalidate([users("a")]);
    const second = await store.invalidateMatching({ namespace: "users", pattern: "x*" });

    expect([first.number, second.number]).toEqual([start + 1, start + 2]);
    expect(first.members.states.get("m")).toBe(`0:${start}`);
    expect(await store.follow(start, 10)).toEqual([
      { number: start + 1, targets: [{ namespace: "users", key: "a" }] },
      { number: start + 2, targets: [{ namespace: "users", pattern: "x*" }] },
    ]);
    expect(await store.renew("m", 1, start + 2)).toBe(start + 2);
    expect(await store.follow(start + 2, 10)).toEqual([]);

    await store.expel("m", "0:0");
    expect(await store.renew("m", 2, start + 2)).toBe(start + 2);
    await store.expel("m", `2:${start + 2}`);
    expect(await store.renew("m", 3, start + 2)).toBeUndefined();
  });

  test("the first to find no members adds one that never answers", async () => {
    await using world = await open();
    const { members } = await world.store.invalidate([users("a")]);
    expect([...members.states.values()]).toEqual(["0:0"]);
    expect((await world.store.members()).life).toBe(members.life);
  });
});
