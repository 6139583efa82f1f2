import { backoffMs } from "@millrace/runtime";
import { type Job, UnrecoverableError, Worker } from "bullmq";
import { type JobKey, type JobPayload, jobKeyOf, jobs, type QueueName, queueNames } from "./catalogue.ts";
import { consumerConnection, defaultPrefix, type QueueRedisOptions } from "./connection.ts";
import { type JobEvent, jobEvents } from "./job-events.ts";

/** What a handler is told about the run it is in. */
export interface JobRun {
  readonly id: string;
  /** 1 on the first try. A run after a crash may be told the same number again. */
  readonly attempt: number;
}

/** Resolving acknowledges the job; rejecting has it tried again, unless the error is a `PermanentJobError`. */
export type JobHandler<Key extends JobKey> = (payload: JobPayload<Key>, run: JobRun) => Promise<void>;
export type JobHandlers = { readonly [Key in JobKey]: JobHandler<Key> };

/** Trying again cannot help: the job goes to the failed set at once. */
export class PermanentJobError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PermanentJobError";
    this.code = code;
  }
}

export interface WorkersOptions extends QueueRedisOptions {
  readonly handlers: JobHandlers;
  /** How many jobs of each queue this process works on at once. */
  readonly concurrency: Readonly<Record<QueueName, number>>;
  /** A job whose worker has not been heard of for this long is given to another one. */
  readonly lockMs?: number;
  readonly onError: (error: Error) => void;
  /**
   * Keeps a job whose payload is not what its contract says, so that it is not only in the bounded set of
   * failed jobs; once that resolves the job is done. Without it such a job fails.
   */
  readonly keepUnreadable?: (job: UnreadableJob) => Promise<void>;
}

export interface UnreadableJob {
  readonly queue: string;
  readonly name: string;
  readonly data: unknown;
  /** What is wrong with it. */
  readonly message: string;
}

/**
 * Starts consuming all queues. Disposing takes no further jobs, waits for those under way, and then
 * closes the connections.
 */
export async function startWorkers(options: WorkersOptions): Promise<AsyncDisposable> {
  const { url, prefix = defaultPrefix, handlers, concurrency, lockMs = 30_000, onError, keepUnreadable } = options;
  const connections: ReturnType<typeof consumerConnection>[] = [];
  const workers = queueNames.map((queue) => {
    const connection = consumerConnection(url);
    connection.on("error", onError);
    connections.push(connection);
    const worker = new Worker(queue, (job) => handle({ handlers, keepUnreadable }, job), {
      connection,
      prefix,
      concurrency: concurrency[queue],
      lockDuration: lockMs,
      stalledInterval: lockMs,
      // A job outlives any number of crashed workers: what is poisonous in it is found by its handler.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      drainDelay: 5,
      // Counts finished jobs, which is how the API knows the speed of the workers.
      metrics: { maxDataPoints: 60 },
      settings: { backoffStrategy: (attemptsMade, _type, _error, job) => backoffOf(job?.name, attemptsMade) },
    });
    worker.on("error", onError);
    return worker;
  });
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.close()));
      for (const connection of connections) connection.disconnect();
    },
  };
}

interface Handling {
  readonly handlers: JobHandlers;
  readonly keepUnreadable: WorkersOptions["keepUnreadable"];
}

async function handle(handling: Handling, job: Job): Promise<void> {
  const key = jobKeyOf(job.name);
  // A newer version may have added it: it is tried again, later, perhaps by a newer worker.
  if (key === undefined) throw new Error(`No handler for jobs named ${job.name}; is this worker older than the API?`);
  const startedAt = performance.now();
  const publish = (error?: unknown): void => {
    if (!jobEvents.hasSubscribers) return;
    const event: JobEvent = {
      name: job.name,
      queue: job.queueName,
      waitMs: Math.max(0, (job.processedOn ?? Date.now()) - job.timestamp),
      runMs: performance.now() - startedAt,
      ...(error === undefined ? {} : { error }),
    };
    jobEvents.publish(event);
  };
  try {
    await runHandler(handling, key, job);
    publish();
  } catch (error) {
    publish(error);
    if (error instanceof PermanentJobError) throw new UnrecoverableError(`${error.code}: ${error.message}`);
    throw error;
  }
}

async function runHandler<Key extends JobKey>(
  { handlers, keepUnreadable }: Handling,
  key: Key,
  job: Job,
): Promise<void> {
  const parsed = jobs[key].payload.safeParse(job.data);
  if (!parsed.success) {
    const { message } = parsed.error;
    if (keepUnreadable === undefined) throw new PermanentJobError("PAYLOAD_INVALID", message);
    return await keepUnreadable({ queue: job.queueName, name: job.name, data: job.data, message });
  }
  const handler: JobHandler<Key> = handlers[key];
  // `parsed` came from this very key's schema, which the compiler cannot follow through the index.
  await handler(parsed.data as JobPayload<Key>, { id: job.id ?? "", attempt: job.attemptsMade + 1 });
}

function backoffOf(wireName: string | undefined, attemptsMade: number): number {
  const key = wireName === undefined ? undefined : jobKeyOf(wireName);
  const { baseMs, maxMs } = key === undefined ? { baseMs: 1_000, maxMs: 60_000 } : jobs[key].retry;
  return Math.ceil(backoffMs({ baseMs, maxMs }, attemptsMade));
}
