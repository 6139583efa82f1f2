import { type Cache, type CacheNamespace, jsonCodec } from "@millrace/cache";
import { type BlockRow, type CachedNamespace, cachedForms } from "@millrace/domain";
import { type Reply, replyCodec } from "./representation.ts";

/** How long each kind is served before it is looked up again, for changes that nobody told the cache of. */
export type CacheTtls = Readonly<Record<CachedNamespace, number>>;

export interface DomainCaches {
  readonly users: CacheNamespace<Reply>;
  readonly sessions: CacheNamespace<Reply>;
  readonly reports: CacheNamespace<Reply>;
  readonly balances: CacheNamespace<Reply>;
  /** The block itself, since whether it holds depends on the time. */
  readonly blocks: CacheNamespace<CachedBlock>;
}

/** A row as JSON has it. */
export type CachedBlock = Omit<BlockRow, "created_at" | "expires_at"> & {
  readonly created_at: string;
  readonly expires_at: string | null;
};

export interface DomainCacheOptions {
  /** In ms. */
  readonly ttls: CacheTtls;
  /** Of all kinds together, in each process. */
  readonly memoryBytes: number;
  /** Whether TTLs follow from use, between a quarter and four times of what they are set to. */
  readonly areTtlsTuned: boolean;
}

/** What of the domain is cached. */
export function createDomainCaches(cache: Cache, options: DomainCacheOptions): DomainCaches {
  const { ttls, memoryBytes, areTtlsTuned } = options;
  const share = Math.floor(memoryBytes / Object.keys(cachedForms).length);
  const settings = (name: CachedNamespace) => ({
    name,
    forms: cachedForms[name],
    ttlMs: ttls[name],
    memoryBytes: share,
    ...(areTtlsTuned && { ttlBounds: { minMs: ttls[name] / 4, maxMs: ttls[name] * 4 } }),
  });
  const replies = (name: CachedNamespace) => cache.namespace<Reply>({ ...settings(name), codec: replyCodec });
  return {
    users: replies("users"),
    sessions: replies("sessions"),
    reports: replies("reports"),
    balances: replies("balances"),
    // Mostly there is none, and a new one is told like any other write.
    blocks: cache.namespace<CachedBlock>({ ...settings("blocks"), negativeTtlMs: ttls.blocks, codec: jsonCodec() }),
  };
}
