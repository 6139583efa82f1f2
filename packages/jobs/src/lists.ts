import type { RedisClient } from "./connection.ts";

/** Texts in the order in which they came, kept beside the jobs and as safe as these are. */
export interface Lists {
  /** Rejects when it cannot be known whether the list has it. */
  append(list: string, text: string): Promise<void>;
  /** The first `most` texts of each list. */
  first(lists: readonly string[], most: number): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Takes out each text once, from wherever it is. */
  remove(list: string, texts: readonly string[]): Promise<void>;
}

export function createLists(redis: RedisClient, prefix: string): Lists {
  const keyOf = (list: string): string => `${prefix}:lists:${list}`;
  return {
    async append(list, text) {
      await redis.rpush(keyOf(list), text);
    },

    async first(lists, most) {
      const found = await Promise.all(
        lists.map(async (list) => [list, await redis.lrange(keyOf(list), 0, most - 1)] as const),
      );
      return new Map(found);
    },

    async remove(list, texts) {
      await Promise.all(texts.map((text) => redis.lrem(keyOf(list), 1, text)));
    },
  };
}
