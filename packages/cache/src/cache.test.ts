import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { startRedis } from "@millrace/embedded";
import {
  createServerFolder,
  createTestRedis,
  freePort,
  loadTestConfig,
  openWay,
  type TestRedis,
} from "@millrace/embedded/testing";
import { Redis } from "ioredis";
import { expect, test, vi } from "vitest";
import { type Cache, createCache } from "./cache.ts";
import { jsonCodec, representationCodec } from "./codec.ts";
import type { NamespaceDefinition } from "./namespace.ts";
import { createRedisStore } from "./redis-store.ts";

interface User {
  readonly name: string;
}

const users: NamespaceDefinition<User> = {
  name: "users",
  codec: jsonCodec(),
  forms: ["{address}", "of/{address}/{list}"],
  ttlMs: 60_000,
};
const onError = (): void => {};

/** A process with a cache of its own. */
async function openCache(
  redis: Pick<TestRedis, "url" | "prefix">,
  options: { timeoutMs?: number; leaseMs?: number } = {},
) {
  const store = createRedisStore({ ...redis, timeoutMs: options.timeoutMs ?? 2_000, onError });
  await store.connected();
  const cache = createCache({ store, leaseMs: options.leaseMs ?? 500, onError });
  // The first write after a server has lost its members waits for those that it may have had.
  await cache.invalidate([{ namespace: "users", key: "first" }]);
  await vi.waitUntil(() => cache.isFresh);
  return {
    cache,
    users: cache.namespace(users),
    async [Symbol.asyncDispose]() {
      await cache[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

function counted<Value>(value: () => Value) {
  const load = Object.assign(
    async () => {
      load.calls += 1;
      return value();
    },
    { calls: 0 },
  );
  return load;
}

const statsOf = (cache: Cache) => {
  const [report] = cache.report();
  if (report === undefined) throw new Error("There is no namespace");
  return report;
};

test("a value is loaded once, then served from memory at once, and to other processes from Redis", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  await using other = await openCache(redis);
  const load = counted(() => ({ name: "Ann" }));

  expect(await Promise.all([one.users.get("a", load), one.users.get("a", load)])).toEqual([
    { name: "Ann" },
    { name: "Ann" },
  ]);
  expect(one.users.get("a", load)).toEqual({ name: "Ann" });
  await expect.poll(() => statsOf(one.cache).fills).toBe(1);
  expect(await other.users.get("a", load)).toEqual({ name: "Ann" });
  expect(load.calls).toBe(1);
  expect(statsOf(one.cache)).toMatchObject({ misses: 1, fills: 1, memoryHits: 1, redisHits: 0 });
  expect(statsOf(other.cache)).toMatchObject({ misses: 0, redisHits: 1, hitRate: 1 });
});

test("after an invalidation no process serves what was there before", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  await using other = await openCache(redis);
  let name = "Ann";
  const load = counted(() => ({ name }));
  await one.users.get("a", load);
  await other.users.get("a", load);

  for (name of ["Bea", "Cyd", "Dot"]) {
    await one.cache.invalidate([{ namespace: "users", key: "a" }]);
    expect(await other.users.get("a", load)).toEqual({ name });
    expect(await one.users.get("a", load)).toEqual({ name });
  }
  expect(load.calls).toBe(4);
});

test("what was being loaded while it changed is given to its reader and to nobody else", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  const began = Promise.withResolvers<void>();
  const old = Promise.withResolvers<User>();
  const reading = one.users.get("a", () => {
    began.resolve();
    return old.promise;
  });
  await began.promise;

  await one.cache.invalidate([{ namespace: "users", key: "a" }]);
  const later = one.users.get("a", async () => ({ name: "new" }));
  expect(await later).toEqual({ name: "new" });
  old.resolve({ name: "old" });

  expect(await reading).toEqual({ name: "old" });
  expect(await one.users.get("a", async () => ({ name: "not asked" }))).toEqual({ name: "new" });
  await expect.poll(() => statsOf(one.cache)).toMatchObject({ refusedFills: 1, fills: 1 });
});

test("of several processes one loads, and the others wait for it", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  await using other = await openCache(redis);
  const value = Promise.withResolvers<User>();
  const began = Promise.withResolvers<void>();
  const first = one.users.get("a", () => {
    began.resolve();
    return value.promise;
  });
  await began.promise;
  const load = counted(() => ({ name: "no" }));
  const second = other.users.get("a", load);
  value.resolve({ name: "Ann" });

  expect(await Promise.all([first, second])).toEqual([{ name: "Ann" }, { name: "Ann" }]);
  expect(load.calls).toBe(0);
  expect(statsOf(other.cache).waited).toBe(1);
});

test("that there is no value is remembered, until an invalidation", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  const load = counted((): User | undefined => undefined);

  expect(await one.users.get("a", load)).toBeUndefined();
  expect(await one.users.get("a", load)).toBeUndefined();
  expect(load.calls).toBe(1);
  await one.cache.invalidate([{ namespace: "users", key: "a" }]);
  expect(await one.users.get("a", async () => ({ name: "Ann" }))).toEqual({ name: "Ann" });
});

test("a load that fails fails its readers, and the next one tries again at once", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  await expect(
    one.users.get("a", async () => {
      throw new Error("no database");
    }),
  ).rejects.toThrow("no database");
  expect(await one.users.get("a", async () => ({ name: "Ann" }))).toEqual({ name: "Ann" });
});

test("a value past its time is served while it is loaded again behind the reader's back", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  const shortLived = one.cache.namespace<User>({ ...users, name: "short", ttlMs: 1, staleMs: 60_000 });
  let name = "old";
  const load = counted(() => ({ name }));
  await shortLived.get("a", load);
  name = "new";
  await vi.waitUntil(async () => {
    const value = await shortLived.get("a", load);
    return value?.name === "new";
  });
  const { refreshes, misses } = one.cache.report().find((report) => report.name === "short") ?? {};
  expect(misses).toBe(1);
  expect(refreshes).toBeGreaterThan(0);
});

test("the TTL of a namespace follows what is found when its values are loaded again", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  const tuned = one.cache.namespace<User>({
    ...users,
    name: "tuned",
    ttlMs: 2,
    staleMs: 60_000,
    ttlBounds: { minMs: 1, maxMs: 10 },
  });
  let version = 0;
  const load = async () => {
    version += 1;
    return { name: `v${version}` };
  };
  const report = () => one.cache.report().find(({ name }) => name === "tuned");
  // Each refresh finds another value, of which nobody told.
  await vi.waitUntil(
    async () => {
      for (let key = 0; key < 30; key += 1) await tuned.get(`k${key}`, load);
      return (report()?.refreshes ?? 0) >= 30;
    },
    { timeout: 20_000 },
  );
  one.cache.tune();
  expect(report()?.ttlMs).toBe(1);
  expect(report()?.decisions).toMatchObject([{ fromMs: 2, toMs: 1, why: expect.stringContaining("had changed") }]);
});

test("many keys are loaded with one call, and only those that no tier has", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  await using other = await openCache(redis);
  await one.users.get("a", async () => ({ name: "A" }));
  const asked: (readonly string[])[] = [];
  const loadMany = async (keys: readonly string[]) => {
    asked.push(keys);
    return new Map(keys.filter((key) => key !== "none").map((key) => [key, { name: key.toUpperCase() }]));
  };

  const found = await other.users.getMany(["a", "b", "c", "none", "b"], loadMany);

  expect([...found]).toEqual([
    ["a", { name: "A" }],
    ["b", { name: "B" }],
    ["c", { name: "C" }],
  ]);
  expect(asked.flat().toSorted()).toEqual(["b", "c", "none"]);
  expect(asked.length).toBe(1);
});

test("a large value is kept compressed, and a representation as the bytes that are sent", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  await using other = await openCache(redis);
  const definition = { ...users, name: "replies", codec: representationCodec };
  const body = JSON.stringify({ text: "again and ".repeat(5_000) });
  const replies = one.cache.namespace(definition);
  await replies.get("a", async () => ({ etag: '"v1"', body }));

  expect(await other.cache.namespace(definition).get("a", async () => undefined)).toEqual({ etag: '"v1"', body });
  const client = new Redis(redis.url);
  const [name = ""] = await client.keys(`${redis.prefix}*:replies:a`);
  expect(await client.strlen(name)).toBeLessThan(body.length / 10);
  client.disconnect();
});

test("keys of a declared form are cleared by pattern, in every tier and process", async () => {
  await using redis = await createTestRedis();
  await using one = await openCache(redis);
  await using other = await openCache(redis);
  const load = counted(() => ({ name: "x" }));
  for (const key of ["of/1/all", "of/1/active", "of/2/all", "1"]) {
    await one.users.get(key, load);
    await other.users.get(key, load);
  }

  expect(await one.cache.clear("users", "of/1/*")).toBe(2);
  expect(await one.cache.clear("users", "of/*/all")).toBe(1);
  expect(await one.cache.clear("users", "of/1")).toBeUndefined();
  expect(await one.cache.clear("nothing", "*")).toBeUndefined();
  const before = load.calls;
  expect(other.users.get("1", load)).toEqual({ name: "x" });
  await other.users.get("of/2/all", load);
  expect(load.calls).toBe(before + 1);
});

test("without Redis readers share loads, none that began before they came, and the source is asked", async () => {
  await using redis = await createTestRedis();
  await using way = await openWay(redis.url);
  await using one = await openCache({ ...redis, url: way.url }, { timeoutMs: 20, leaseMs: 100 });
  let version = 1;
  const load = counted(() => ({ name: `v${version}` }));
  await one.users.get("a", load);
  way.hold();
  await vi.waitUntil(() => !one.cache.isFresh);
  const calls = load.calls;

  const crowd = Array.from({ length: 100 }, () => one.users.get("a", load));
  version = 2;
  await Promise.all(crowd);
  expect(load.calls - calls).toBeLessThanOrEqual(2);
  expect(await one.users.get("a", load)).toEqual({ name: "v2" });
  expect(statsOf(one.cache).bypasses).toBeGreaterThan(0);

  way.release();
  await vi.waitUntil(async () => {
    await one.users.get("a", load);
    return one.cache.isFresh && statsOf(one.cache).memoryHits > 0;
  });
});

test("a write waits for a process that stands still no longer than its lease lasts", async () => {
  await using redis = await createTestRedis();
  await using way = await openWay(redis.url);
  await using still = await openCache({ ...redis, url: way.url }, { leaseMs: 300 });
  await using writer = await openCache(redis, { leaseMs: 300 });
  await still.users.get("a", async () => ({ name: "old" }));
  expect(still.users.get("a", async () => undefined)).toEqual({ name: "old" });

  way.hold();
  const isFreshAtEnd = writer.cache.invalidate([{ namespace: "users", key: "a" }]).then(() => still.cache.isFresh);

  expect(await isFreshAtEnd).toBe(false);
  way.release();
  expect(await still.users.get("a", async () => ({ name: "new" }))).toEqual({ name: "new" });
});

test("a server that comes back with an old snapshot serves nothing of it", async () => {
  await using folder = await createServerFolder();
  const port = await freePort();
  const start = () =>
    startRedis({
      dataDir: join(folder.path, "redis"),
      cacheDir: join(folder.path, "cache"),
      appendOnly: false,
      port,
      searchPath: loadTestConfig(process.env).searchPath,
      log: () => {},
    });
  const first = await start();
  const redis = { url: first.url, prefix: "test" };
  await using one = await openCache(redis);
  await one.users.get("a", async () => ({ name: "old" }));
  const client = new Redis(redis.url);
  await client.save();
  await one.cache.invalidate([{ namespace: "users", key: "a" }]);
  const ended = once(client, "close");
  client.disconnect();
  await ended;
  await first[Symbol.asyncDispose]();

  await using _second = await start();
  await vi.waitUntil(() => one.cache.isFresh);
  const again = new Redis(redis.url);
  expect((await again.keys("test*:v:users:a")).length).toBe(1);
  again.disconnect();
  expect(await one.users.get("a", async () => ({ name: "new" }))).toEqual({ name: "new" });
});
