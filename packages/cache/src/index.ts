export { type Cache, type CacheOptions, createCache, type NamespaceReport } from "./cache.ts";
export { type Codec, jsonCodec, type Representation, representationCodec } from "./codec.ts";
export { createMemoryCache, type Found, type MemoryCache, type MemoryCacheOptions } from "./memory-cache.ts";
export type { CacheNamespace, Load, NamespaceDefinition } from "./namespace.ts";
export { createRedisStore, type RedisStore, type RedisStoreOptions } from "./redis-store.ts";
export { CacheAwayError, type CacheKey, type CacheStore } from "./store.ts";
