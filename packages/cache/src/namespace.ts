import type { Codec } from "./codec.ts";
import { bytesOf, type CacheEntry, entryOf } from "./entry.ts";
import { createFlights, type Flight } from "./flights.ts";
import { createMemory } from "./memory.ts";
import { type CacheStats, createStats } from "./stats.ts";
import { CacheAwayError, type CacheStore } from "./store.ts";
import type { Time } from "./time.ts";
import { createTtlController, type TtlBounds, type TtlDecision } from "./ttl-controller.ts";

/** One kind of cached value. Declared once; a new shape of its values is a new name. */
export interface NamespaceDefinition<Value> {
  readonly name: string;
  readonly codec: Codec<Value>;
  /** What its keys look like, such as `of/{address}/{list}`: by these an operator clears more than one. */
  readonly forms: readonly string[];
  /** A value is loaded again after this long, for changes that nobody told the cache of. */
  readonly ttlMs: number;
  /** For so long after that it is still served while it is loaded again. Default: as long as `ttlMs`. */
  readonly staleMs?: number;
  /** That there is no value is remembered for this long. Default: a tenth of `ttlMs`. */
  readonly negativeTtlMs?: number;
  /** A process keeps a value in its own memory no longer than this. Default: 60 s. */
  readonly memoryTtlMs?: number;
  /** Most bytes of this namespace in each process's memory; 0: only in Redis. Default: 16 MiB. */
  readonly memoryBytes?: number;
  /** Larger values are compressed in Redis. Default: 4 KiB. */
  readonly compressAboveBytes?: number;
  /** Between these the TTL follows from use; without them it stays. */
  readonly ttlBounds?: TtlBounds;
}

/** Loads the value from its source; `undefined`: there is none. */
export type Load<Value> = () => Promise<Value | undefined>;

export interface CacheNamespace<Value> {
  /**
   * The value of `key`: at once from memory, else a promise. `load` is called when no tier has it, by one process and
   * one reader at a time as far as Redis answers. Never gives a value older than an invalidation that was
   * settled before the call. Rejects only with what `load` rejects with.
   */
  get(key: string, load: Load<Value>): Value | undefined | Promise<Value | undefined>;
  /** The values of those keys that have one; `loadMany` is given all that no tier has at once. */
  getMany(
    keys: readonly string[],
    loadMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  ): Promise<ReadonlyMap<string, Value>>;
}

/** What the cache itself does with a namespace. */
export interface NamespaceParts<Value> extends CacheNamespace<Value> {
  readonly definition: NamespaceDefinition<Value>;
  readonly stats: CacheStats;
  /** The process must not serve the key from memory any more, nor share a load of it that is under way. */
  forget(key: string): void;
  forgetMatching(isForgotten: (key: string) => boolean): void;
  tuneTtl(): void;
  state(): { ttlMs: number; memoryBytes: number; memoryEntries: number; decisions: readonly TtlDecision[] };
}

export interface NamespaceNeeds {
  readonly store: CacheStore;
  /** Whether this process hears of all invalidations, as of a time of `time.now()`. */
  readonly isFresh: (nowMs: number) => boolean;
  readonly time: Time;
  readonly random: () => number;
  /** A new token for a lease. */
  readonly token: () => string;
}

/** A reader waits this long for somebody else's load, and then loads by itself. */
const maxWaitMs = 500;
const firstPauseMs = 2;
const longestPauseMs = 32;
/** Somebody else refreshes it, or that failed: when to look again. */
const refreshRetryMs = 1_000;
/** Of so many keys it is remembered that they were forgotten. */
const maxGone = 10_000;

export function createNamespace<Value>(
  definition: NamespaceDefinition<Value>,
  { store, isFresh, time, random, token }: NamespaceNeeds,
): NamespaceParts<Value> {
  const { name: namespace, codec, ttlMs } = definition;
  const staleMs = definition.staleMs ?? ttlMs;
  const negativeTtlMs = definition.negativeTtlMs ?? ttlMs / 10;
  const memoryTtlMs = definition.memoryTtlMs ?? 60_000;
  const compressAboveBytes = definition.compressAboveBytes ?? 4_096;
  const memoryBytes = definition.memoryBytes ?? 16 * 1_024 ** 2;
  const memory = createMemory<Value>(memoryBytes);
  /** Keys that were forgotten, and not read since: Redis has nothing of them either, unless another process has loaded it. */
  const gone = new Set<string>();
  const flights = createFlights<Value | undefined>();
  const refreshes = createFlights<void>();
  const stats = createStats();
  const ttl = createTtlController({ ttlMs, bounds: definition.ttlBounds, now: () => time.wall() });

  function get(key: string, load: Load<Value>): Value | undefined | Promise<Value | undefined> {
    const at = time.now();
    const fresh = isFresh(at);
    if (fresh && memoryBytes > 0) {
      const kept = memory.get(key);
      if (kept !== undefined && at < kept.until) {
        stats.memoryHits += 1;
        if (at >= kept.refreshAt) {
          kept.refreshAt = at + refreshRetryMs;
          refresh(key, load, () => (kept.value === undefined ? undefined : codec.encode(kept.value)));
        }
        return kept.value;
      }
    }
    return flights.join(key, fresh, (flight) => fetch(key, load, flight));
  }

  async function fetch(key: string, load: Load<Value>, flight: Flight): Promise<Value | undefined> {
    const startedAt = time.now();
    try {
      if (gone.delete(key)) return await loadLeased(key, load, flight, () => stats.redisHit(time.now() - startedAt));
      const bytes = await store.get({ namespace, key });
      if (bytes === undefined) return await loadLeased(key, load, flight);
      const read = entryOf(bytes);
      const entry = read instanceof Promise ? await read : read;
      // Bytes that a version after this one wrote are left to it.
      if (entry === undefined) return await loadWithout(key, load, flight);
      stats.redisHit(time.now() - startedAt);
      return serve(key, entry, load, flight);
    } catch (error) {
      if (!(error instanceof CacheAwayError)) throw error;
      return await loadWithout(key, load, flight);
    }
  }

  /** Gives what the entry holds, and keeps it in memory if nothing was forgotten meanwhile. */
  function serve(key: string, entry: CacheEntry, load: Load<Value>, flight: Flight): Value | undefined {
    const value = entry.payload === undefined ? undefined : codec.decode(entry.payload);
    if (!flights.isCurrent(key, flight)) return value;
    const refreshInMs = keep(key, value, entry);
    if (refreshInMs <= 0) {
      stats.staleHits += 1;
      refresh(key, load, () => entry.payload);
    }
    return value;
  }

  /** Keeps it in memory; gives in how many ms it should be loaded again. */
  function keep(key: string, value: Value | undefined, entry: CacheEntry): number {
    const restMs = entry.loadedAt + entry.ttlMs - time.wall();
    // XFetch: the longer a load takes, the earlier one of the many readers begins it (Vattani, Chiera and Lowenstein,
    // "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015). Drawn once for each process and load.
    const refreshInMs = restMs + entry.loadMs * Math.log(Math.max(random(), Number.MIN_VALUE));
    const graceMs = entry.payload === undefined ? 0 : staleMs;
    const at = time.now();
    const until = at + Math.min(memoryTtlMs, restMs + graceMs);
    if (memoryBytes > 0 && until > at) {
      const bytes = entry.payload?.length ?? 0;
      memory.set(key, { value, until, refreshAt: at + Math.max(0, refreshInMs) }, bytes);
    }
    return refreshInMs;
  }

  /** Loads it if nobody else does; waits for whoever does, for a while. `onHit` is told of a value that is there at once. */
  async function loadLeased(
    key: string,
    load: Load<Value>,
    flight: Flight,
    onHit = countWaited,
  ): Promise<Value | undefined> {
    const mine = token();
    const until = time.now() + maxWaitMs;
    let found = onHit;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const answer = await store.lease({ namespace, key }, mine);
      if (answer.kind === "granted") return await loadAndFill(key, load, flight, mine);
      if (answer.kind === "value") {
        const entry = await entryOf(answer.bytes);
        if (entry === undefined) return await loadWithout(key, load, flight);
        found();
        return serve(key, entry, load, flight);
      }
      found = countWaited;
      if (time.now() + pauseMs > until) return await loadWithout(key, load, flight);
      await time.sleep(pauseMs);
    }
  }

  function countWaited(): void {
    stats.waited += 1;
  }

  async function loadAndFill(key: string, load: Load<Value>, flight: Flight, mine: string): Promise<Value | undefined> {
    const at = { namespace, key };
    stats.misses += 1;
    const { value, entry } = await loadEntry(load).catch((error: unknown) => {
      store.release(at, mine).catch(() => {}); // it runs out by itself
      throw error;
    });
    const filling = fill(at, mine, entry);
    if (flights.isCurrent(key, flight)) keep(key, value, entry);
    // Those who read it next find it in memory; without that they would ask Redis before it has it.
    if (memoryBytes > 0 && isFresh(time.now())) filling.catch(countFailure);
    else await filling;
    return value;
  }

  function countFailure(): void {
    stats.failures += 1;
  }

  async function fill(at: { namespace: string; key: string }, mine: string, entry: CacheEntry): Promise<void> {
    const lifeMs = entry.ttlMs + (entry.payload === undefined ? 0 : staleMs);
    try {
      const bytes = await bytesOf(entry, compressAboveBytes);
      if (await store.fill(at, mine, bytes, Math.max(1, Math.ceil(lifeMs)))) stats.fills += 1;
      else stats.refusedFills += 1;
    } catch (error) {
      if (!(error instanceof CacheAwayError)) throw error;
      countFailure();
    }
  }

  /** Redis is of no help: straight to the source. The process's own memory may keep it all the same. */
  async function loadWithout(key: string, load: Load<Value>, flight: Flight): Promise<Value | undefined> {
    stats.bypasses += 1;
    const { value, entry } = await loadEntry(load);
    if (flights.isCurrent(key, flight)) keep(key, value, entry);
    return value;
  }

  async function loadEntry(load: Load<Value>): Promise<{ value: Value | undefined; entry: CacheEntry }> {
    const startedAt = time.now();
    const loadedAt = time.wall();
    let value: Value | undefined;
    try {
      value = await load();
    } catch (error) {
      stats.loadErrors += 1;
      throw error;
    }
    const loadMs = time.now() - startedAt;
    stats.loaded(loadMs);
    // Spread by a tenth either way, so that what was loaded together is not due together.
    const spread = 0.9 + 0.2 * random();
    const entryTtlMs = (value === undefined ? negativeTtlMs : ttl.ttlMs) * spread;
    const payload = value === undefined ? undefined : codec.encode(value);
    return { value, entry: { loadedAt, ttlMs: entryTtlMs, loadMs, payload } };
  }

  /** Loads behind the reader's back what is due, unless somebody does already. */
  function refresh(key: string, load: Load<Value>, payloadBefore: () => Buffer | undefined): void {
    const run = async (flight: Flight): Promise<void> => {
      const at = { namespace, key };
      const mine = token();
      if (!(await store.leaseAnew(at, mine))) return;
      const { value, entry } = await loadEntry(load).catch((error: unknown) => {
        store.release(at, mine).catch(() => {}); // it runs out by itself
        throw error;
      });
      stats.refreshes += 1;
      const old = payloadBefore();
      if (old !== undefined) ttl.refreshed({ isChanged: entry.payload === undefined || !old.equals(entry.payload) });
      await fill(at, mine, entry);
      if (refreshes.isCurrent(key, flight)) keep(key, value, entry);
    };
    // The reader has its value; what went wrong is counted, and tried again by a later reader.
    refreshes.join(key, true, run).catch(countFailure);
  }

  return {
    definition,
    stats,
    get,

    async getMany(keys, loadMany) {
      const collect = createCollector(loadMany);
      const found = await Promise.all(
        [...new Set(keys)].map(async (key) => [key, await get(key, () => collect(key))] as const),
      );
      return new Map(found.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
    },

    forget(key) {
      stats.invalidations += 1;
      if (gone.size >= maxGone) gone.clear();
      gone.add(key);
      memory.delete(key);
      flights.forget(key);
      refreshes.forget(key);
    },

    forgetMatching(isForgotten) {
      memory.deleteMatching(isForgotten);
      flights.forgetMatching(isForgotten);
      refreshes.forgetMatching(isForgotten);
    },

    tuneTtl: () => ttl.tune(stats),

    state: () => ({
      ttlMs: ttl.ttlMs,
      memoryBytes: memory.bytes,
      memoryEntries: memory.entries,
      decisions: ttl.decisions,
    }),
  };
}

/** Makes one call of those that come before the event loop goes on. */
function createCollector<Value>(
  loadMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): (key: string) => Promise<Value | undefined> {
  let open: { readonly keys: string[]; readonly loaded: Promise<ReadonlyMap<string, Value>> } | undefined;
  return async (key) => {
    if (open === undefined) {
      const keys: string[] = [];
      const loaded = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        open = undefined;
        return loadMany(keys);
      });
      open = { keys, loaded };
    }
    open.keys.push(key);
    return (await open.loaded).get(key);
  };
}
