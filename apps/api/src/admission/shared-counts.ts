import { Redis } from "ioredis";
import type { SharedCounts } from "./key-rates.ts";

export interface SharedCountsOptions {
  readonly url: string;
  readonly prefix: string;
  readonly onError: (error: Error) => void;
}

/** Counts in Redis. Rejects at once while it is away; what was to be added is then to be added later. */
export function connectSharedCounts({ url, prefix, onError }: SharedCountsOptions): SharedCounts & Disposable {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000) * (0.5 + Math.random() / 2),
  });
  redis.on("error", onError);
  // Counts from before the first connection wait for it like those of a fault.
  const connected = new Promise<void>((resolve) => redis.once("ready", resolve));
  return {
    async add(counts) {
      if (redis.status === "connecting" || redis.status === "connect") await connected;
      const pipeline = redis.multi();
      for (const { key, by, expireSeconds } of counts) {
        pipeline.incrby(`${prefix}:rates:${key}`, by);
        pipeline.expire(`${prefix}:rates:${key}`, expireSeconds);
      }
      const answers = (await pipeline.exec()) ?? [];
      return answers
        .filter((_, at) => at % 2 === 0)
        .map(([error, total]) => {
          if (error) throw error;
          return Number(total);
        });
    },
    [Symbol.dispose]: () => redis.disconnect(),
  };
}
