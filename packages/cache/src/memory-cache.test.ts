import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createMemoryCache } from "./memory-cache.ts";

const seconds = 1_000;

function createWorld({ maxEntries = 100, refreshAfterMs = 5 * seconds } = {}) {
  let nowMs = 0;
  const cache = createMemoryCache<string>({
    ttlMs: 10 * seconds,
    refreshAfterMs,
    negativeTtlMs: 2 * seconds,
    staleIfErrorMs: 60 * seconds,
    retryAfterMs: 1 * seconds,
    maxEntries,
    now: () => nowMs,
  });
  const source = new Map<string, string>();
  const world = {
    cache,
    source,
    loads: 0,
    isAway: false,
    pass: (ms: number) => {
      nowMs += ms;
    },
    get: (key: string) => cache.get(key, world.load),
    load: async (key: string) => {
      world.loads += 1;
      if (world.isAway) throw new Error("the source is away");
      return source.get(key);
    },
  };
  return world;
}

test("readers of one key share one load", async () => {
  const { get, source, ...world } = createWorld();
  source.set("a", "1");
  const loads: string[] = [];
  const load = async (key: string) => {
    loads.push(key);
    return source.get(key);
  };
  expect(
    await Promise.all([world.cache.get("a", load), world.cache.get("a", load), world.cache.get("b", load)]),
  ).toEqual(["1", "1", undefined]);
  expect(loads).toEqual(["a", "b"]);
});

test("a value is served until its time is over, then loaded again", async () => {
  const world = createWorld({ refreshAfterMs: 10 * seconds });
  world.source.set("a", "1");
  await world.get("a");
  world.source.set("a", "2");
  world.pass(10 * seconds - 1);
  expect(await world.get("a")).toBe("1");
  expect(world.cache.peek("a")?.value).toBe("1");
  world.pass(1);
  expect(world.cache.peek("a")).toBeUndefined();
  expect(await world.get("a")).toBe("2");
});

test("a value that is old enough is loaded again while readers get it at once", async () => {
  const world = createWorld();
  world.source.set("a", "1");
  await world.get("a");
  world.source.set("a", "2");
  world.pass(5 * seconds);
  expect(world.cache.peek("a")).toBeUndefined();
  expect(await world.get("a")).toBe("1");
  await turn();
  expect(world.cache.peek("a")?.value).toBe("2");
});

test("while a value is loaded again it can be peeked at, and nobody loads it a second time", async () => {
  const world = createWorld();
  world.source.set("a", "1");
  await world.get("a");
  world.pass(5 * seconds);
  await Promise.all([world.get("a"), world.get("a")]);
  await turn();
  expect(world.loads).toBe(2);

  world.pass(5 * seconds);
  const late = Promise.withResolvers<string>();
  await world.cache.get("a", () => late.promise);
  expect(world.cache.peek("a")?.value).toBe("1");
  late.resolve("2");
  await turn();
  expect(world.cache.peek("a")?.value).toBe("2");
});

test("a value that has gone is not served once a load has noticed", async () => {
  const world = createWorld();
  world.source.set("a", "1");
  await world.get("a");
  world.source.delete("a");
  world.pass(5 * seconds);
  await world.get("a");
  await turn();
  expect(world.cache.peek("a")).toEqual({ value: undefined });
  expect(await world.get("a")).toBeUndefined();
});

test("that a key has no value is remembered for its own time", async () => {
  const world = createWorld();
  expect(await world.get("a")).toBeUndefined();
  expect(world.cache.peek("a")).toEqual({ value: undefined });
  world.source.set("a", "1");
  world.pass(2 * seconds - 1);
  expect(await world.get("a")).toBeUndefined();
  expect(world.loads).toBe(1);
  world.pass(1);
  expect(await world.get("a")).toBe("1");
});

test("keys without a value push out no value", async () => {
  const world = createWorld({ maxEntries: 2 });
  world.source.set("a", "1");
  await world.get("a");
  for (let n = 0; n < 10; n += 1) await world.get(`missing ${n}`);
  expect(world.cache.peek("a")?.value).toBe("1");
});

test("the least recently used value goes when there are too many", async () => {
  const world = createWorld({ maxEntries: 2 });
  for (const key of ["a", "b", "c"]) world.source.set(key, key);
  await world.get("a");
  await world.get("b");
  await world.get("a");
  await world.get("c");
  expect(["a", "b", "c"].map((key) => world.cache.peek(key)?.value)).toEqual(["a", undefined, "c"]);
});

test("a failing load leaves the old value in place up to the allowed age", async () => {
  const world = createWorld();
  world.source.set("a", "1");
  await world.get("a");
  world.isAway = true;
  world.pass(60 * seconds);
  expect(await world.get("a")).toBe("1");
  world.pass(1);
  await expect(world.get("a")).rejects.toThrow("the source is away");
  await expect(world.get("never seen")).rejects.toThrow("the source is away");
});

test("while loads fail the old value is served at once and the load tried now and then", async () => {
  const world = createWorld();
  world.source.set("a", "1");
  await world.get("a");
  world.isAway = true;
  world.pass(20 * seconds);
  await world.get("a");
  expect(world.loads).toBe(2);
  world.pass(999);
  expect(world.cache.peek("a")?.value).toBe("1");
  world.pass(1);
  world.isAway = false;
  world.source.set("a", "2");
  expect(await world.get("a")).toBe("1");
  await turn();
  expect(world.cache.peek("a")?.value).toBe("2");
});

test("after a failure long ago a reader waits for the source's answer", async () => {
  const world = createWorld();
  world.source.set("a", "1");
  await world.get("a");
  world.isAway = true;
  world.pass(20 * seconds);
  await world.get("a");
  world.isAway = false;
  world.source.delete("a");
  world.pass(10 * seconds);
  expect(await world.get("a")).toBeUndefined();
});

test("a load that throws before it returns a promise counts as failed", async () => {
  const { cache } = createWorld();
  const load = () => {
    throw new Error("at once");
  };
  await expect(cache.get("a", load)).rejects.toThrow("at once");
});

test.each(["delete", "clear"] as const)("a load that began before a %s does not put its value back", async (forget) => {
  const { cache } = createWorld();
  const before = Promise.withResolvers<string>();
  const early = cache.get("a", () => before.promise);
  await turn();
  if (forget === "delete") cache.delete("a");
  else cache.clear();
  expect(await cache.get("a", async () => "new")).toBe("new");
  before.resolve("old");
  expect(await early).toBe("old");
  expect(cache.peek("a")?.value).toBe("new");
});
