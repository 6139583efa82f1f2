import { redisAddressOf } from "@millrace/runtime";
import { Cluster, Redis, type RedisOptions } from "ioredis";

/** Where the queues live. `prefix` keeps several installations apart on one server. */
export interface QueueRedisOptions {
  /** Of one server, a cluster, or what Sentinel watches: see `queueRedisUrl` of `@millrace/runtime`. */
  readonly url: string;
  readonly prefix?: string;
}

export type RedisClient = Redis | Cluster;

export const defaultPrefix = "millrace";

/**
 * A connection for adding jobs: it fails fast while Redis is away, so that a request is answered
 * with 503 and not kept waiting.
 */
export function producerConnection(url: string, { isForListening = false } = {}): RedisClient {
  return redisAt(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5_000,
    // A way that has gone silent is given up for another one: no answer will come on it. Who listens is not answered.
    ...(isForListening ? { autoResubscribe: false } : { socketTimeout: 5_000 }),
  });
}

/**
 * A connection for a worker: it waits for Redis as long as it takes. That it does not do so on a way that has
 * gone silent is looked after by liveness.ts; ioredis' socketTimeout would keep an ending process waiting.
 */
export function consumerConnection(url: string): RedisClient {
  return redisAt(url, { maxRetriesPerRequest: null });
}

/** The servers that hold keys of their own: one, or the masters of a cluster. */
export function mastersOf(redis: RedisClient): readonly Redis[] {
  return redis instanceof Cluster ? redis.nodes("master") : [redis];
}

const retryStrategy = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 6), 2_000) * (0.5 + Math.random() / 2);

function redisAt(url: string, options: RedisOptions): RedisClient {
  const all: RedisOptions = { lazyConnect: true, connectTimeout: 2_000, keepAlive: 10_000, retryStrategy, ...options };
  const address = redisAddressOf(url);
  if (address === undefined) return new Redis(url, all);
  const { kind, nodes, name, hasTls, username, password } = address;
  const access: RedisOptions = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(hasTls ? { tls: {} } : {}),
  };
  if (kind === "sentinel") {
    return new Redis({
      ...all,
      ...access,
      sentinels: nodes.map((node) => ({ ...node })),
      name: name ?? "",
      enableTLSForSentinelMode: hasTls,
      sentinelRetryStrategy: retryStrategy,
    });
  }
  const { lazyConnect, enableOfflineQueue, ...ofNode } = all;
  return new Cluster([...nodes], {
    lazyConnect: lazyConnect === true,
    enableOfflineQueue: enableOfflineQueue !== false,
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: 2_000,
    redisOptions: { ...ofNode, ...access },
  });
}
