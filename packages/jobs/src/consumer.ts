import { type Job, Worker } from "bullmq";
import { consumerConnection, type QueueRedisOptions } from "./connection.ts";

export interface ConsumerOptions extends Required<QueueRedisOptions> {
  /** What the queue is called in Redis. */
  readonly wireName: string;
  readonly concurrency: number;
  readonly lockMs: number;
  readonly handle: (job: Job) => Promise<void>;
  readonly backoffMs: (wireName: string | undefined, attemptsMade: number) => number;
  readonly onError: (error: Error) => void;
}

export interface RunUnderWay {
  readonly name: string;
  /** By `performance.now()`. */
  readonly startedAt: number;
}

/**
 * Takes jobs from one queue. Disposing takes no more, waits for those under way unless Redis is away, and closes
 * its connections.
 */
export interface Consumer extends AsyncDisposable {
  readonly wireName: string;
  /** Jobs taken since the consumer exists. */
  readonly startedJobs: number;
  /** True while it could take another job. */
  readonly hasRoom: boolean;
  /** The jobs under way, in the order in which they were taken. */
  readonly runs: readonly RunUnderWay[];
  setConcurrency(concurrency: number): void;
  /**
   * Goes on with new connections. What is under way goes on too, but cannot be acknowledged any more: when
   * its lock has run out it is given to a worker again.
   */
  restart(): void;
}

export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { wireName, handle, onError } = options;
  const runs = new Map<symbol, RunUnderWay>();
  let { concurrency } = options;
  let startedJobs = 0;

  async function run(job: Job): Promise<void> {
    const id = Symbol(job.id);
    startedJobs += 1;
    runs.set(id, { name: job.name, startedAt: performance.now() });
    try {
      await handle(job);
    } finally {
      runs.delete(id);
    }
  }

  let current = openWorker({ ...options, concurrency, handle: run });
  await current.worker.waitUntilReady();
  return {
    wireName,
    get startedJobs() {
      return startedJobs;
    },
    get hasRoom() {
      return runs.size < concurrency;
    },
    get runs() {
      return [...runs.values()];
    },
    setConcurrency(wanted) {
      concurrency = wanted;
      current.worker.concurrency = wanted;
    },
    restart() {
      const old = current;
      runs.clear();
      current = openWorker({ ...options, concurrency, handle: run });
      old.worker.close(true).catch(onError);
      old.connection.disconnect();
    },
    async [Symbol.asyncDispose]() {
      // While Redis is away nothing can be acknowledged, so that waiting for that would be waiting for Redis.
      const isAway = current.connection.status !== "ready";
      await current.worker.close(isAway);
      current.connection.disconnect();
    },
  };
}

function openWorker(options: ConsumerOptions) {
  const { url, prefix, wireName, concurrency, lockMs, handle, backoffMs, onError } = options;
  const connection = consumerConnection(url);
  connection.on("error", onError);
  const worker = new Worker(wireName, handle, {
    connection,
    prefix,
    concurrency,
    // Locks are renewed at half of this by a timer, so that a slow database does not cost a job its lock; it ends
    // when the process is gone or stands still, and another worker runs the job again.
    lockDuration: lockMs,
    stalledInterval: lockMs,
    // A job outlives any number of crashed workers: what is poisonous in it is found by its handler.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    drainDelay: 5,
    // After a fault of Redis; BullMQ's own is 15 s.
    runRetryDelay: 1_000,
    // Counts finished jobs, which is how the API knows the speed of the workers.
    metrics: { maxDataPoints: 60 },
    settings: { backoffStrategy: (attemptsMade, _type, _error, job) => backoffMs(job?.name, attemptsMade) },
  });
  worker.on("error", onError);
  return { worker, connection };
}
