import { LRUCache } from "lru-cache";

/** What a process has in its own memory of a key. Times are those of a clock that never goes back. */
export interface Kept<Value> {
  readonly value: Value | undefined;
  /** It is not served from then on. */
  readonly until: number;
  /** From then on it is loaded again behind the reader's back. */
  refreshAt: number;
}

export interface Memory<Value> {
  get(key: string): Kept<Value> | undefined;
  set(key: string, kept: Kept<Value>, bytes: number): void;
  delete(key: string): void;
  deleteMatching(isDeleted: (key: string) => boolean): void;
  readonly bytes: number;
  readonly entries: number;
}

/** What an entry costs beyond its value and its key, measured on Node 24. */
const overheadBytes = 160;

/** Of the most recently used entries, as many as have room in `maxBytes`; of which keys have no value, an eighth of that. */
export function createMemory<Value>(maxBytes: number): Memory<Value> {
  const bounded = (bytes: number) =>
    new LRUCache<string, Kept<Value>>({
      maxSize: Math.max(1, Math.floor(bytes)),
      maxEntrySize: Math.max(1, Math.floor(bytes / 4)),
      max: Math.max(1, Math.ceil(bytes / overheadBytes)),
    });
  const values = bounded(maxBytes);
  // Apart, so that a flood of keys that do not exist pushes out none that do.
  const absent = bounded(maxBytes / 8);
  return {
    get: (key) => values.get(key) ?? absent.get(key),
    set(key, kept, bytes) {
      const [one, other] = kept.value === undefined ? [absent, values] : [values, absent];
      other.delete(key);
      one.set(key, kept, { size: bytes + 2 * key.length + overheadBytes });
    },
    delete(key) {
      values.delete(key);
      absent.delete(key);
    },
    deleteMatching(isDeleted) {
      for (const cache of [values, absent]) for (const key of [...cache.keys()]) if (isDeleted(key)) cache.delete(key);
    },
    get bytes() {
      return values.calculatedSize + absent.calculatedSize;
    },
    get entries() {
      return values.size + absent.size;
    },
  };
}
