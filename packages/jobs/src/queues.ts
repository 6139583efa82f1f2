import { UnreachableError } from "@millrace/runtime";
import { type JobsOptions, Queue } from "bullmq";
import { type JobInput, type JobKey, jobs, type QueueName, queueNames } from "./catalogue.ts";
import { defaultPrefix, producerConnection, type QueueRedisOptions } from "./connection.ts";
import { createNotes, type Notes } from "./notes.ts";
import { dangersOf, fieldsOf, type RedisSettings, readRedisSettings } from "./redis-settings.ts";

export interface Queues extends AsyncDisposable {
  /**
   * Adds a job; resolves when Redis has it. Rejects when it cannot be known that Redis has it: adding
   * again may then leave two jobs, which is why handlers are idempotent.
   */
  enqueue<Key extends JobKey>(key: Key, payload: JobInput<Key>): Promise<void>;
  /** Makes the schedulers of the catalogue exist, and removes those that are no longer declared. */
  upsertSchedulers(): Promise<void>;
  /** Jobs that wait or are being worked on. */
  depth(queue: QueueName): Promise<number>;
  /** Short texts beside the jobs. */
  readonly notes: Notes;
  /** What waits, and what it takes up. A handful of commands: for the background, not for each request. */
  load(queue: QueueName): Promise<QueueLoad>;
  /** Resolves if Redis answers. */
  ping(): Promise<void>;
  /** How Redis is set up, and what in that endangers accepted events. */
  inspect(): Promise<{ readonly settings: RedisSettings; readonly dangers: readonly string[] }>;
}

export interface QueueLoad {
  /** Memory of the queue's Redis, all of it. */
  readonly usedBytes: number;
  /** Its limit; 0 when there is none. */
  readonly maxBytes: number;
  /** Jobs that nobody works on yet. */
  readonly waitingJobs: number;
  /** How long the oldest of them has waited. */
  readonly oldestWaitMs: number;
  /** Jobs done since the queue exists; the difference of two reads tells how fast the workers are. */
  readonly finishedJobs: number;
}

export interface QueuesOptions extends QueueRedisOptions {
  readonly onError: (error: Error) => void;
}

/** Connects to the queue's Redis. Rejects with an `UnreachableError` if it cannot be reached. */
export async function connectQueues({ url, prefix = defaultPrefix, onError }: QueuesOptions): Promise<Queues> {
  const connection = producerConnection(url);
  let fault: unknown;
  connection.on("error", (error) => {
    fault ??= error;
    onError(error);
  });
  try {
    await connection.connect();
  } catch (error) {
    connection.disconnect();
    // The error of `connect` itself only says that the connection is closed.
    throw new UnreachableError("Redis", url, fault ?? error);
  }
  const queues = new Map(
    queueNames.map((name) => {
      const queue = new Queue(name, { connection, prefix, streams: { events: { maxLen: 1_000 } } });
      queue.on("error", onError);
      return [name, queue] as const;
    }),
  );
  const queueOf = (name: QueueName): Queue => {
    const queue = queues.get(name);
    if (queue === undefined) throw new Error(`No queue is named ${name}`);
    return queue;
  };
  await Promise.all([...queues.values()].map((queue) => queue.waitUntilReady()));

  return {
    async enqueue(key, payload) {
      const contract = jobs[key];
      await queueOf(contract.queue).add(contract.name, contract.payload.parse(payload), optionsOf(key));
    },

    notes: createNotes(connection, prefix),

    async upsertSchedulers() {
      await Promise.all([...queues].map(([name, queue]) => syncSchedulers(name, queue)));
    },

    async depth(name) {
      const counts = await queueOf(name).getJobCounts("waiting", "active", "delayed");
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },

    async load(name) {
      const queue = queueOf(name);
      const [memory, counts, [oldest], completed] = await Promise.all([
        connection.info("memory").then(fieldsOf),
        queue.getJobCounts("waiting", "delayed", "prioritized"),
        queue.getWaiting(0, 0),
        queue.getMetrics("completed", 0, 0),
      ]);
      return {
        usedBytes: Number(memory.get("used_memory") ?? 0),
        maxBytes: Number(memory.get("maxmemory") ?? 0),
        waitingJobs: Object.values(counts).reduce((sum, count) => sum + count, 0),
        oldestWaitMs: oldest === undefined ? 0 : Math.max(0, Date.now() - oldest.timestamp),
        finishedJobs: completed.meta.count,
      };
    },

    async ping() {
      await connection.ping();
    },

    async inspect() {
      const settings = await readRedisSettings(connection);
      return { settings, dangers: dangersOf(settings) };
    },

    async [Symbol.asyncDispose]() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}

async function syncSchedulers(name: QueueName, queue: Queue): Promise<void> {
  const declared = (Object.keys(jobs) as JobKey[]).filter((key) => jobs[key].queue === name && jobs[key].schedule);
  for (const key of declared) {
    const { name: wireName, schedule } = jobs[key];
    if (schedule === undefined) continue;
    await queue.upsertJobScheduler(
      wireName,
      { pattern: schedule.pattern, tz: "UTC" },
      { name: wireName, data: schedule.payload, opts: optionsOf(key) },
    );
  }
  const wanted = new Set(declared.map((key) => jobs[key].name));
  for (const scheduler of await queue.getJobSchedulers()) {
    if (!wanted.has(scheduler.key)) await queue.removeJobScheduler(scheduler.key);
  }
}

/**
 * Finished jobs are what fills Redis: completed ones go at once, failed ones are kept within bounds
 * for an operator to look at.
 */
function optionsOf(key: JobKey): JobsOptions {
  const { attempts } = jobs[key].retry;
  return {
    attempts,
    backoff: { type: "contract" },
    removeOnComplete: true,
    removeOnFail: { age: 7 * 24 * 3_600, count: 1_000 },
    stackTraceLimit: 1,
  };
}
