import { LRUCache } from "lru-cache";

/** Ages are counted from the moment a load began, since that is the oldest state it can have read. */
export interface MemoryCacheOptions {
  /** A value is served for this long. */
  readonly ttlMs: number;
  /** From this age on a value that is asked for is loaded again behind the reader's back. `ttlMs` unless told: never. */
  readonly refreshAfterMs?: number;
  /** That a key has no value is remembered for this long. */
  readonly negativeTtlMs: number;
  /** While loads fail, a value is served up to this age. */
  readonly staleIfErrorMs: number;
  /** While loads fail and a value is served nevertheless, they are tried this often. */
  readonly retryAfterMs?: number;
  /** At most so many values are kept, and as many keys without one; the least recently used go first. */
  readonly maxEntries: number;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

/** What the cache knows of a key: its value, or `undefined` for "there is none". */
export interface Found<Value> {
  readonly value: Value | undefined;
}

/** One process's memory in front of a slower source. */
export interface MemoryCache<Value extends {}> {
  /**
   * Gives the value of `key`, by `load` when the cache has none that may be served. Readers of one key
   * share one load. When `load` rejects, a value no older than `staleIfErrorMs` is given instead;
   * without one its error is thrown. As long as loads fail, such a value is given at once and `load`
   * is tried again in the background.
   */
  get(key: string, load: (key: string) => Promise<Value | undefined>): Promise<Value | undefined>;
  /** What `get` would give without calling `load`, at once; `undefined` when it would call it. */
  peek(key: string): Found<Value> | undefined;
  /** Forgets the key. A load that is under way does not put its value back, and later readers do not wait for it. */
  delete(key: string): void;
  /** Forgets every key, as `delete` does. */
  clear(): void;
}

interface Entry<Value> extends Found<Value> {
  readonly value: Value;
  readonly loadedAt: number;
  failedAt: number;
}

const absent: Found<never> = { value: undefined };

export function createMemoryCache<Value extends {}>(options: MemoryCacheOptions): MemoryCache<Value> {
  const { ttlMs, negativeTtlMs, staleIfErrorMs, maxEntries } = options;
  const { refreshAfterMs = ttlMs, retryAfterMs = 1_000, now = () => performance.now() } = options;
  const values = new LRUCache<string, Entry<Value>>({ max: maxEntries });
  // Apart from the values, so that a flood of keys that do not exist pushes out none that do.
  const missing = new LRUCache<string, number>({ max: maxEntries });
  // A load may store its result only while it is the one named here: that is what `delete` takes away.
  const loads = new Map<string, Promise<Value | undefined>>();

  function isServed({ loadedAt, failedAt }: Entry<Value>, at: number): boolean {
    // A failure long ago says nothing about the source now; the reader after it waits for an answer.
    return at - loadedAt < ttlMs || (at - failedAt < ttlMs && at - loadedAt <= staleIfErrorMs);
  }

  function isLoadDue(key: string, { loadedAt, failedAt }: Entry<Value>, at: number): boolean {
    return at - loadedAt >= refreshAfterMs && at - failedAt >= retryAfterMs && !loads.has(key);
  }

  function isMissing(key: string, at: number): boolean {
    const missingSince = missing.get(key);
    return missingSince !== undefined && at - missingSince < negativeTtlMs;
  }

  function startLoad(key: string, load: (key: string) => Promise<Value | undefined>): Promise<Value | undefined> {
    const startedAt = now();
    const loading = Promise.resolve(key)
      .then(load)
      .then(
        (value) => {
          if (endLoad(key, loading)) remember(key, value, startedAt);
          return value;
        },
        (error: unknown) => {
          const entry = endLoad(key, loading) ? values.peek(key) : undefined;
          if (entry !== undefined) entry.failedAt = now();
          throw error;
        },
      );
    loads.set(key, loading);
    return loading;
  }

  function endLoad(key: string, loading: Promise<Value | undefined>): boolean {
    return loads.get(key) === loading && loads.delete(key);
  }

  function remember(key: string, value: Value | undefined, loadedAt: number): void {
    if (value === undefined) {
      values.delete(key);
      missing.set(key, loadedAt);
    } else {
      values.set(key, { value, loadedAt, failedAt: Number.NEGATIVE_INFINITY });
    }
  }

  return {
    async get(key, load) {
      const at = now();
      const entry = values.get(key);
      if (entry !== undefined && isServed(entry, at)) {
        // Its failure is noted in the entry, which goes on being served.
        if (isLoadDue(key, entry, at)) startLoad(key, load).catch(() => {});
        return entry.value;
      }
      if (isMissing(key, at)) return undefined;
      try {
        return await (loads.get(key) ?? startLoad(key, load));
      } catch (error) {
        const kept = values.get(key);
        if (kept !== undefined && now() - kept.loadedAt <= staleIfErrorMs) return kept.value;
        throw error;
      }
    },

    peek(key) {
      const at = now();
      const entry = values.get(key);
      if (entry !== undefined) return isServed(entry, at) && !isLoadDue(key, entry, at) ? entry : undefined;
      return isMissing(key, at) ? absent : undefined;
    },

    delete(key) {
      values.delete(key);
      missing.delete(key);
      loads.delete(key);
    },

    clear() {
      values.clear();
      missing.clear();
      loads.clear();
    },
  };
}
