import type { RedisClient } from "./connection.ts";

/**
 * The names under which ingest queues exist, kept in Redis beside them: when their number is changed, workers
 * learn the new names from here, and go on with the old ones until they are empty.
 */
export interface QueueRegistry {
  /** Says that somebody puts jobs into these queues. */
  declare(names: readonly string[]): Promise<void>;
  /** All names, with the time in ms since 1970 when each was last declared. */
  list(): Promise<ReadonlyMap<string, number>>;
  forget(name: string): Promise<void>;
}

export function createQueueRegistry(redis: RedisClient, prefix: string): QueueRegistry {
  const key = `${prefix}:ingest-queues`;
  return {
    async declare(names) {
      const now = String(Date.now());
      await redis.hset(key, new Map(names.map((name) => [name, now])));
    },
    async list() {
      return new Map(Object.entries(await redis.hgetall(key)).map(([name, time]) => [name, Number(time)]));
    },
    async forget(name) {
      await redis.hdel(key, name);
    },
  };
}
