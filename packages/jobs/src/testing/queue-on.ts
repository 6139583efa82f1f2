import type { TestRedis } from "@millrace/embedded/testing";
import { Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";

/**
 * A queue, by its name in the catalogue or in Redis, as BullMQ has it, to look at what our code left there, and the
 * events that happen in it from now on.
 */
export async function queueOn(
  { url, prefix }: TestRedis,
  name: string,
): Promise<{ readonly queue: Queue; readonly events: QueueEvents } & AsyncDisposable> {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const wireName = name.includes("{") ? name : `{${name}}`;
  const queue = new Queue(wireName, { connection, prefix });
  const events = new QueueEvents(wireName, { connection: connection.duplicate(), prefix });
  await events.waitUntilReady();
  return {
    queue,
    events,
    async [Symbol.asyncDispose]() {
      await Promise.all([queue.close(), events.close()]);
      connection.disconnect();
    },
  };
}
