import type { Queue } from "bullmq";
import type { RedisClient } from "./connection.ts";
import { queueOf } from "./queue-names.ts";

/** How a queue stands, by its name in Redis. */
export interface QueueState {
  readonly wireName: string;
  /** Its name in the catalogue. */
  readonly name: string;
  /** Jobs that may be worked on, and that nobody works on yet. */
  readonly waiting: number;
  readonly active: number;
  /** Jobs whose time has yet to come: tried again later, or by the clock. */
  readonly delayed: number;
  readonly failed: number;
  readonly isPaused: boolean;
  /** How long the oldest of those that wait has waited; 0 when none waits. */
  readonly oldestWaitMs: number;
}

export async function stateOf(queue: Queue, redis: RedisClient): Promise<QueueState> {
  const [counts, isPaused, oldest] = await Promise.all([
    queue.getJobCounts("waiting", "prioritized", "active", "delayed", "failed"),
    queue.isPaused(),
    redis.lindex(queue.toKey("wait"), -1),
  ]);
  const count = (type: string): number => counts[type] ?? 0;
  return {
    wireName: queue.name,
    name: queueOf(queue.name),
    waiting: count("waiting") + count("prioritized"),
    active: count("active"),
    delayed: count("delayed"),
    failed: count("failed"),
    isPaused,
    oldestWaitMs: oldest === null ? 0 : await waitOf(queue, redis, oldest),
  };
}

/** How long that job has waited by now; 0 when it was taken in between. */
async function waitOf(queue: Queue, redis: RedisClient, id: string): Promise<number> {
  const timestamp = await redis.hget(queue.toKey(id), "timestamp");
  return timestamp === null ? 0 : Math.max(0, Date.now() - Number(timestamp));
}
