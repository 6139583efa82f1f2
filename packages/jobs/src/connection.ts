import { Redis, type RedisOptions } from "ioredis";

/** Where the queues live. `prefix` keeps several installations apart on one server. */
export interface QueueRedisOptions {
  readonly url: string;
  readonly prefix?: string;
}

export const defaultPrefix = "millrace";

/**
 * A connection for adding jobs: it fails fast while Redis is away, so that a request is answered
 * with 503 and not kept waiting.
 */
export function producerConnection(url: string): Redis {
  return redisAt(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 5_000 });
}

/** A connection for a worker: it waits for Redis as long as it takes. */
export function consumerConnection(url: string): Redis {
  return redisAt(url, { maxRetriesPerRequest: null });
}

function redisAt(url: string, options: RedisOptions): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000) * (0.5 + Math.random() / 2),
    ...options,
  });
  return redis;
}
