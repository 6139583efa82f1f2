import { backoffMs, labelOf, onBehalfOf } from "@millrace/runtime";
import { type Job, UnrecoverableError } from "bullmq";
import { type JobKey, type JobPayload, jobKeyOf, jobs, type QueueName } from "./catalogue.ts";
import { defaultPrefix, type QueueRedisOptions } from "./connection.ts";
import { startConsumer } from "./consumer.ts";
import { type JobEvent, jobEvents } from "./job-events.ts";
import type { LivenessLimits } from "./liveness.ts";
import { startMembers, type Workers } from "./members.ts";
import { queueOf } from "./queue-names.ts";

/** What a handler is told about the run it is in. */
export interface JobRun {
  /** Unique in its queue. */
  readonly id: string;
  /** `ingest`, or `ingest-2-of-3` where several share the work. */
  readonly queue: string;
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
  /** The same as for the API; queues of another number are found and worked on as well. Default: 1. */
  readonly ingestQueues?: number;
  /** How many jobs of each queue, or of the several that share its work, this process works on at once. */
  readonly concurrency: Readonly<Record<QueueName, number>>;
  /** A job whose worker has not been heard of for this long is given to another one. */
  readonly lockMs?: number;
  /** When a consumer that takes nothing is restarted, and when that is given up. */
  readonly liveness?: LivenessLimits;
  /** How often it is looked whether there are other queues, and whether consumers are alive. */
  readonly lookEveryMs?: number;
  readonly onError: (error: Error) => void;
  /** Told that a consumer was stuck and has been started anew. */
  readonly onRestart?: (queue: string) => void;
  /** Told when restarting did not help: the process had best end and be replaced. */
  readonly onStuck?: (queue: string) => void;
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
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { url, prefix = defaultPrefix, handlers, lockMs = 30_000, onError, keepUnreadable } = options;
  return await startMembers({
    url,
    prefix,
    ingestQueues: options.ingestQueues ?? 1,
    concurrency: options.concurrency,
    limits: options.liveness ?? { stuckAfterMs: 15_000, maxRestarts: 3 },
    lookEveryMs: options.lookEveryMs ?? 2_000,
    onError,
    onRestart: options.onRestart ?? (() => {}),
    onStuck: options.onStuck ?? (() => {}),
    consume: (wireName, concurrency) =>
      startConsumer({
        url,
        prefix,
        wireName,
        concurrency,
        lockMs,
        handle: (job) => handle({ handlers, keepUnreadable }, job),
        backoffMs: backoffOf,
        onError,
      }),
  });
}

interface Handling {
  readonly handlers: JobHandlers;
  readonly keepUnreadable: WorkersOptions["keepUnreadable"];
}

/** Whatever is logged of a job, or asked of PostgreSQL for it, says which one it is and whose requests it holds. */
async function handle(handling: Handling, job: Job): Promise<void> {
  const run = runOf(job);
  const requests = requestsIn(job.data);
  const fields = { queue: run.queue, jobId: run.id, attempt: run.attempt, ...(requests.length > 0 && { requests }) };
  const label = labelOf(run.queue, [run.id], requests);
  await onBehalfOf({ label, fields }, () => handleAndTell(handling, job, run));
}

function runOf({ id = "", queueName, attemptsMade }: Job): JobRun {
  return {
    id,
    queue: queueName.replace(/\{(\w+)\}$/, (_, tag: string, at: number) => (at === 0 ? tag : "")),
    attempt: attemptsMade + 1,
  };
}

function requestsIn(data: unknown): readonly string[] {
  const { requests } = Object(data) as { requests?: unknown }; // read as optional
  return Array.isArray(requests) ? requests : [];
}

async function handleAndTell(handling: Handling, job: Job, run: JobRun): Promise<void> {
  const key = jobKeyOf(job.name);
  // A newer version may have added it: it is tried again, later, perhaps by a newer worker.
  if (key === undefined) throw new Error(`No handler for jobs named ${job.name}; is this worker older than the API?`);
  const startedAt = performance.now();
  const publish = (error?: unknown): void => {
    if (!jobEvents.hasSubscribers) return;
    const event: JobEvent = {
      name: job.name,
      queue: queueOf(job.queueName),
      waitMs: Math.max(0, (job.processedOn ?? Date.now()) - job.timestamp),
      runMs: performance.now() - startedAt,
      ...(error === undefined ? {} : { error }),
    };
    jobEvents.publish(event);
  };
  try {
    await runHandler(handling, key, job, run);
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
  run: JobRun,
): Promise<void> {
  const parsed = jobs[key].payload.safeParse(job.data);
  if (!parsed.success) {
    const { message } = parsed.error;
    if (keepUnreadable === undefined) throw new PermanentJobError("PAYLOAD_INVALID", message);
    return await keepUnreadable({ queue: queueOf(job.queueName), name: job.name, data: job.data, message });
  }
  const handler: JobHandler<Key> = handlers[key];
  // `parsed` came from this very key's schema, which the compiler cannot follow through the index.
  await handler(parsed.data as JobPayload<Key>, run);
}

function backoffOf(wireName: string | undefined, attemptsMade: number): number {
  const key = wireName === undefined ? undefined : jobKeyOf(wireName);
  const { baseMs, maxMs } = key === undefined ? { baseMs: 1_000, maxMs: 60_000 } : jobs[key].retry;
  return Math.ceil(backoffMs({ baseMs, maxMs }, attemptsMade));
}
