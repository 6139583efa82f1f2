export { createMemoryCache, type Found, type MemoryCache, type MemoryCacheOptions } from "./memory-cache.ts";
