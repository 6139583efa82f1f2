import { Redis } from "ioredis";

/** Where the tail goes through. `prefix` keeps several installations apart on one server. */
export interface TailRedisOptions {
  readonly url: string;
  readonly prefix: string;
  /** Told of a fault once, and again only after Redis has answered in between. */
  readonly onError: (error: Error) => void;
}

export interface TailConnection extends Disposable {
  readonly redis: Redis;
  /** The connection takes commands. One that was never opened is opened, for the next time. */
  isReady(): boolean;
  /**
   * Gives the command's answer, or `undefined` if it failed. A connection over which a command has
   * failed is given up for a new one: the server may be gone without a word.
   */
  ask<Answer>(command: () => Promise<Answer>): Promise<Answer | undefined>;
}

/**
 * A connection that never keeps anything waiting: what cannot be sent now is not sent at all. It comes
 * back by itself.
 */
export function createTailConnection({ url, onError }: Omit<TailRedisOptions, "prefix">): TailConnection {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000) * (0.5 + Math.random() / 2),
  });
  let isFaulty = false;
  const report = (error: Error): void => {
    if (!isFaulty) onError(error);
    isFaulty = true;
  };
  redis.on("error", report);

  return {
    redis,

    isReady() {
      if (redis.status === "wait") redis.connect().catch(() => {}); // told by the event "error"
      return redis.status === "ready";
    },

    async ask(command) {
      try {
        const answer = await command();
        isFaulty = false;
        return answer;
      } catch (error) {
        if (redis.status !== "ready") return undefined;
        report(error instanceof Error ? error : new Error(String(error)));
        redis.disconnect(true);
        return undefined;
      }
    },

    [Symbol.dispose]: () => redis.disconnect(),
  };
}
