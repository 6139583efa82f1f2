import { Redis, type RedisOptions, type Result } from "ioredis";
import { createBreaker } from "./breaker.ts";
import { createGatherer } from "./gatherer.ts";
import { redisScripts } from "./redis-scripts.ts";
import {
  CacheAwayError,
  type CacheKey,
  type CachePattern,
  type CacheStore,
  type Invalidation,
  type LeaseAnswer,
  type Members,
  type Notice,
} from "./store.ts";

declare module "ioredis" {
  // The scripts below, as ioredis' defineCommand adds them.
  interface RedisCommander<Context> {
    cacheLeaseBuffer(value: string, lease: string, token: string, ms: number): Result<Buffer | number, Context>;
    cacheFill(value: string, lease: string, token: string, bytes: Buffer, ms: number): Result<number, Context>;
    cacheRelease(lease: string, token: string): Result<null, Context>;
    cacheInvalidate(keyCount: number, ...keysAndText: string[]): Result<string[], Context>;
    cacheJoin(members: string, notices: string, member: string): Result<number, Context>;
    cacheRenew(members: string, member: string, state: string): Result<number, Context>;
    cacheExpel(members: string, member: string, state: string): Result<null, Context>;
  }
}

export interface RedisStoreOptions {
  /** Of one server. */
  readonly url: string;
  /** Keeps several installations apart on one server. */
  readonly prefix: string;
  /** How long a reader waits for an answer before it goes to the source. */
  readonly timeoutMs?: number;
  /** How long a lease on loading a value lasts: a value that takes longer to load is not kept. */
  readonly loadLeaseMs?: number;
  readonly onError: (error: Error) => void;
}

export interface CacheServer {
  readonly version: string;
  /** Memory that it uses, all of it. */
  readonly usedBytes: number;
  /** Its limit; 0 when there is none. */
  readonly maxBytes: number;
}

export interface RedisStore extends CacheStore, AsyncDisposable {
  /** Resolves when the server answers; rejects when it cannot be reached. */
  connected(): Promise<void>;
  readonly isAway: boolean;
  /** What the server tells of itself, whatever readers think of it. Rejects when it cannot be reached, and may hang. */
  inspect(): Promise<CacheServer>;
}

/** A writer may wait longer than a reader: nobody is served meanwhile. */
const writeTimeoutMs = 5_000;
/** A script's keys are unpacked onto Lua's stack, which has room for 8,000. */
const maxKeysOfScript = 2_000;

/**
 * Names of keys contain the server's `run_id`, so that one that comes back with an old snapshot, or a replica that
 * took its place, holds nothing that anybody asks for.
 */
export function createRedisStore(options: RedisStoreOptions): RedisStore {
  const { url, prefix, timeoutMs = 50, loadLeaseMs = 10_000, onError } = options;
  const settings: RedisOptions = {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000) * (0.5 + Math.random() / 2),
    scripts: Object.fromEntries(Object.entries(redisScripts).map(([name, script]) => [name, { ...script }])),
  };
  const redis = new Redis(url, { ...settings, enableAutoPipelining: true, autoPipeliningIgnoredCommands: ["mget"] });
  // The one that waits for notices; it must not hold up the others.
  const follower = new Redis(url, { ...settings, lazyConnect: true });
  redis.on("error", onError);
  follower.on("error", onError);
  const breaker = createBreaker({ timeoutMs, maxFailures: 5, openMs: 500 });
  const writes = createBreaker({ timeoutMs: writeTimeoutMs, maxFailures: Number.POSITIVE_INFINITY, openMs: 0 });

  let stem: string | undefined;
  const firstLife = Promise.withResolvers<void>();
  firstLife.promise.catch(() => {});
  redis.on("ready", () => {
    let isOver = false;
    redis.once("close", () => {
      isOver = true;
    });
    redis
      .info("server")
      .then((info) => {
        const life = /^run_id:(\w+)/m.exec(info)?.[1];
        if (isOver) return;
        if (life === undefined) throw new Error("The cache's Redis does not tell its run_id");
        stem = `${prefix}:cache:${life.slice(0, 12)}:`;
        firstLife.resolve();
      })
      .catch(onError);
  });
  redis.on("close", () => {
    stem = undefined;
  });
  redis.on("end", () => firstLife.reject(new CacheAwayError("The connection was closed")));

  const life = (): string => {
    if (stem === undefined) throw new CacheAwayError("There is no connection to the cache");
    return stem;
  };
  const read = <T>(call: (stem: string) => Promise<T>): Promise<T> => breaker.run(async () => await call(life()));
  const write = <T>(call: (stem: string) => Promise<T>): Promise<T> => writes.run(async () => await call(life()));
  const nameOf = (stem: string, { namespace, key }: CacheKey): string => `${stem}v:${namespace}:${key}`;
  const leaseNameOf = (stem: string, { namespace, key }: CacheKey): string => `${stem}l:${namespace}:${key}`;

  async function announce(stem: string, names: readonly string[], targets: Notice["targets"]): Promise<Invalidation> {
    const keys = [`${stem}members`, `${stem}notices`, ...names];
    const fields = await redis.cacheInvalidate(keys.length, ...keys, textOf(targets));
    const all = mapOf(fields);
    return { number: Number(all.get("#")), members: membersIn(all) };
  }

  async function unlinkMatching(stem: string, { namespace, pattern }: CachePattern): Promise<number> {
    let values = 0;
    for (const kind of ["v", "l"]) {
      let cursor = "0";
      do {
        const [next, names] = await redis.scan(
          cursor,
          "MATCH",
          `${globSafe(`${stem}${kind}:${namespace}:`)}${pattern}`,
          "COUNT",
          1_000,
        );
        cursor = next;
        const gone = names.length === 0 ? 0 : await redis.unlink(...names);
        if (kind === "v") values += gone;
      } while (cursor !== "0");
    }
    return values;
  }

  return {
    get: createGatherer((keys: readonly CacheKey[]) =>
      read((stem) => redis.mgetBuffer(keys.map((at) => nameOf(stem, at)))),
    ),

    lease: (at, token) =>
      read(async (stem): Promise<LeaseAnswer> => {
        const answer = await redis.cacheLeaseBuffer(nameOf(stem, at), leaseNameOf(stem, at), token, loadLeaseMs);
        if (typeof answer !== "number") return { kind: "value", bytes: answer };
        return { kind: answer === 1 ? "granted" : "taken" };
      }),

    leaseAnew: (at, token) =>
      read(async (stem) => (await redis.set(leaseNameOf(stem, at), token, "PX", loadLeaseMs, "NX")) === "OK"),

    fill: (at, token, bytes, ttlMs) =>
      read(async (stem) => (await redis.cacheFill(nameOf(stem, at), leaseNameOf(stem, at), token, bytes, ttlMs)) === 1),

    release: (at, token) =>
      read(async (stem) => {
        await redis.cacheRelease(leaseNameOf(stem, at), token);
      }),

    async invalidate(keys) {
      let last: Invalidation | undefined;
      for (let from = 0; from === 0 || from < keys.length; from += maxKeysOfScript / 2) {
        const some = keys.slice(from, from + maxKeysOfScript / 2);
        last = await write((stem) =>
          announce(
            stem,
            some.flatMap((at) => [nameOf(stem, at), leaseNameOf(stem, at)]),
            some,
          ),
        );
      }
      if (last === undefined) throw new Error("An invalidation of nothing");
      return last;
    },

    async invalidateMatching(pattern) {
      // Unlinked before the notice: whoever forgets a value at the notice must not find it here again.
      const values = await writes.run(async () => await unlinkMatching(life(), pattern));
      return { ...(await write((stem) => announce(stem, [], [pattern]))), values };
    },

    join: (member) => write(async (stem) => await redis.cacheJoin(`${stem}members`, `${stem}notices`, member)),

    renew: (member, beat, number) =>
      write(async (stem) => {
        const newest = await redis.cacheRenew(`${stem}members`, member, `${beat}:${number}`);
        return newest === -1 ? undefined : newest;
      }),

    leave: (member) =>
      write(async (stem) => {
        await redis.hdel(`${stem}members`, member);
      }),

    members: () => write(async (stem) => membersIn(new Map(Object.entries(await redis.hgetall(`${stem}members`))))),

    expel: (member, state) =>
      write(async (stem) => {
        await redis.cacheExpel(`${stem}members`, member, state);
      }),

    async follow(number, waitMs) {
      const stem = life();
      if (follower.status === "wait") await follower.connect();
      const late = setTimeout(() => follower.disconnect(true), waitMs + writeTimeoutMs);
      try {
        const answer = await follower.xread(
          "COUNT",
          1_000,
          "BLOCK",
          waitMs,
          "STREAMS",
          `${stem}notices`,
          `${number}-0`,
        );
        return (answer?.[0]?.[1] ?? []).map(([id, [, text = "[]"]]) => ({
          number: Number(id.split("-")[0]),
          targets: targetsOf(text),
        }));
      } finally {
        clearTimeout(late);
      }
    },

    connected: () => firstLife.promise,

    get isAway() {
      return stem === undefined || breaker.isOpen;
    },

    async inspect() {
      const info = await redis.info();
      const field = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
      return {
        version: field("redis_version") ?? "unknown",
        usedBytes: Number(field("used_memory") ?? 0),
        maxBytes: Number(field("maxmemory") ?? 0),
      };
    },

    async [Symbol.asyncDispose]() {
      redis.disconnect();
      follower.disconnect();
    },
  };
}

/** `[namespace, key]` or `[namespace, pattern, 1]` for each target. */
function textOf(targets: Notice["targets"]): string {
  return JSON.stringify(
    targets.map((target) =>
      "pattern" in target ? [target.namespace, target.pattern, 1] : [target.namespace, target.key],
    ),
  );
}

function targetsOf(text: string): Notice["targets"] {
  // Written by `textOf`, of this version or another one with the same notices.
  const parts = JSON.parse(text) as [namespace: string, name: string, isPattern?: 1][];
  return parts.map(([namespace, name, isPattern]) =>
    isPattern === 1 ? { namespace, pattern: name } : { namespace, key: name },
  );
}

function mapOf(fields: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) map.set(fields[at] ?? "", fields[at + 1] ?? "");
  return map;
}

function membersIn(all: Map<string, string>): Members {
  const life = all.get("life") ?? "";
  all.delete("life");
  all.delete("#");
  return { life, states: all };
}

function globSafe(text: string): string {
  return text.replace(/[*?[\]\\]/g, "\\$&");
}
