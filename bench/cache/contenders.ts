import { type Cache, createCache, createRedisStore, jsonCodec } from "@millrace/cache";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisBusDriver, redisDriver } from "bentocache/drivers/redis";
import { Redis } from "ioredis";

export interface Entry {
  readonly version: number;
  readonly text: string;
}

/** A cache as a reader and a writer use it. */
export interface Contender extends AsyncDisposable {
  /** Gives what is cached of the key, or what `load` gives. */
  get(key: string, load: () => Promise<Entry>): Entry | Promise<Entry | undefined> | undefined;
  /** After a write: resolves when the cache calls it done. */
  invalidate(key: string): Promise<void>;
}

export const contenders = ["millrace", "bentocache", "cache_aside"] as const;
export type ContenderName = (typeof contenders)[number];

const ttlMs = 600_000;

/** What a user of each would write after reading its documentation, with a memory tier where it has one. */
export async function openContender(
  name: ContenderName,
  { url, prefix, hasMemory = true }: { url: string; prefix: string; hasMemory?: boolean },
): Promise<Contender> {
  if (name === "millrace") return await openMillrace(url, prefix, hasMemory);
  if (name === "bentocache") return openBento(url, prefix, hasMemory);
  return openCacheAside(url, prefix);
}

async function openMillrace(url: string, prefix: string, hasMemory: boolean): Promise<Contender> {
  const store = createRedisStore({ url, prefix, onError: () => {} });
  await store.connected();
  const cache: Cache = createCache({ store, hasMemory, onError: () => {} });
  const namespace = cache.namespace<Entry>({
    name: "bench",
    codec: jsonCodec(),
    forms: ["{key}"],
    ttlMs,
    memoryBytes: hasMemory ? 64 * 1_024 ** 2 : 0,
  });
  return {
    get: (key, load) => namespace.get(key, load),
    invalidate: (key) => cache.invalidate([{ namespace: "bench", key }]),
    async [Symbol.asyncDispose]() {
      await cache[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

function openBento(url: string, prefix: string, hasMemory: boolean): Contender {
  const connection = new Redis(url);
  const store = bentostore();
  if (hasMemory) store.useL1Layer(memoryDriver({ maxSize: "64mb" }));
  store.useL2Layer(redisDriver({ connection }));
  if (hasMemory) store.useBus(redisBusDriver({ connection: connection.options }));
  const cache = new BentoCache({ default: "main", prefix, stores: { main: store } });
  return {
    get: (key, load) => cache.getOrSet({ key, ttl: ttlMs, factory: load }),
    async invalidate(key) {
      await cache.delete({ key });
    },
    async [Symbol.asyncDispose]() {
      await cache.disconnectAll();
      connection.disconnect();
    },
  };
}

function openCacheAside(url: string, prefix: string): Contender {
  const redis = new Redis(url, { enableAutoPipelining: true });
  return {
    async get(key, load) {
      const found = await redis.get(`${prefix}:${key}`);
      if (found !== null) return JSON.parse(found);
      const value = await load();
      await redis.set(`${prefix}:${key}`, JSON.stringify(value), "PX", ttlMs);
      return value;
    },
    async invalidate(key) {
      await redis.del(`${prefix}:${key}`);
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}
