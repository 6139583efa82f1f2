import type { RedisClient } from "./connection.ts";

/** Short texts that are kept beside the jobs, as safe as these are, and go by themselves after a time. */
export interface Notes {
  /** Keeps the text unless there is one of that name already; gives the one that was there, or `undefined`. */
  keepOnce(name: string, text: string, seconds: number): Promise<string | undefined>;
  read(name: string): Promise<string | undefined>;
  /** Puts another text in the place of one that is still there; its time goes on. */
  replace(name: string, text: string): Promise<void>;
}

export function createNotes(redis: RedisClient, prefix: string): Notes {
  const keyOf = (name: string): string => `${prefix}:notes:${name}`;
  return {
    async keepOnce(name, text, seconds) {
      for (;;) {
        if ((await redis.set(keyOf(name), text, "EX", seconds, "NX")) === "OK") return undefined;
        const existing = await redis.get(keyOf(name));
        if (existing !== null) return existing; // else its time was over in between
      }
    },

    async read(name) {
      return (await redis.get(keyOf(name))) ?? undefined;
    },

    async replace(name, text) {
      await redis.set(keyOf(name), text, "KEEPTTL", "XX");
    },
  };
}
