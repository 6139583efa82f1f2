import { startLoop, UnreachableError } from "@millrace/runtime";
import { type JobsOptions, Queue } from "bullmq";
import { type JobInput, type JobKey, jobKeyOf, jobs, type QueueName, queueNames } from "./catalogue.ts";
import {
  defaultPrefix,
  mastersOf,
  producerConnection,
  type QueueRedisOptions,
  type RedisClient,
} from "./connection.ts";
import { createLists, type Lists } from "./lists.ts";
import { channelOf } from "./mail.ts";
import { createNotes, type Notes } from "./notes.ts";
import { createPresence, type Presence } from "./presence.ts";
import { queueOf, titleOf, wireNamesOf } from "./queue-names.ts";
import { createQueueRegistry } from "./queue-registry.ts";
import { type QueueState, stateOf } from "./queue-states.ts";
import { dangersOf, fieldsOf, type RedisSettings, readRedisSettings } from "./redis-settings.ts";

export interface Queues extends AsyncDisposable {
  /**
   * Adds a job; resolves with its id when Redis has it. Rejects when it cannot be known that Redis has it: adding
   * again may then leave two jobs, which is why handlers are idempotent.
   */
  enqueue<Key extends JobKey>(key: Key, payload: JobInput<Key>): Promise<string>;
  /** Makes the schedulers of the catalogue exist, and removes those that are no longer declared. */
  upsertSchedulers(): Promise<void>;
  /** When each scheduled job runs next, by its name on the wire; those that no worker has declared are not there. */
  nextRuns(): Promise<ReadonlyMap<string, Date>>;
  /** Adds a scheduled job once, to be run at once; gives its id, or `undefined` when there is no such job. */
  runNow(name: string): Promise<string | undefined>;
  /** All queues as they are now, also the ingest queues that others put jobs into, for a dashboard. They close with this. */
  list(): Promise<readonly ListedQueue[]>;
  /** Jobs that wait or are being worked on. */
  depth(queue: QueueName): Promise<number>;
  /** Short texts beside the jobs. */
  readonly notes: Notes;
  /** Ordered texts beside the jobs. */
  readonly lists: Lists;
  /** What processes tell of themselves. */
  readonly presence: Presence;
  /** Sends a short text to the mailbox of that name; gives how many got it, which in a cluster says nothing. */
  mail(mailbox: string, text: string): Promise<number>;
  /** What waits, and what it takes up. A handful of commands: for the background, not for each request. */
  load(queue: QueueName): Promise<QueueLoad>;
  /** How each queue stands, each of those that share the work of ingest by itself. */
  states(): Promise<readonly QueueState[]>;
  /** Memory of the queue's Redis; of a cluster, that of its fullest node. */
  memory(): Promise<QueueMemory>;
  /**
   * How long the oldest job has waited whose work somebody waits for, and how many consumers the queue has that has
   * fewest. Asks Redis who is connected: for the background, once a minute.
   */
  attendance(): Promise<{ readonly oldestWaitMs: number; readonly consumers: number }>;
  /** Resolves if Redis answers, each node of a cluster. */
  ping(): Promise<void>;
  /** How each server is set up, and what in that endangers accepted events. */
  inspect(): Promise<{ readonly settings: readonly RedisSettings[]; readonly dangers: readonly string[] }>;
}

export interface QueueMemory {
  /** Memory of the queue's Redis, all of it; of a cluster, that of its fullest node. */
  readonly usedBytes: number;
  /** Its limit; 0 when there is none. */
  readonly maxBytes: number;
}

export interface QueueLoad extends QueueMemory {
  /** Jobs that nobody works on yet. */
  readonly waitingJobs: number;
  /** What their payloads take up, estimated from a few of them: jobs differ in size, and so does their work. */
  readonly waitingBytes: number;
  /** How long the oldest of them has waited. */
  readonly oldestWaitMs: number;
  /** Jobs done since the queue exists; the difference of two reads tells how fast the workers are. */
  readonly finishedJobs: number;
  /** The payload of a job that is about to be taken; 0 when none waits. */
  readonly nextBytes: number;
}

export interface ListedQueue {
  readonly name: QueueName;
  /** For people: `ingest`, or `ingest 2 of 4` where it is one of several. */
  readonly title: string;
  readonly queue: Queue;
}

export interface QueuesOptions extends QueueRedisOptions {
  /** Over how many queues ingest jobs are spread; they lie on different nodes of a cluster. Default: 1. */
  readonly ingestQueues?: number;
  readonly onError: (error: Error) => void;
}

/** How often it is said that jobs are put into our queues. */
const declareEveryMs = 60_000;

/** Connects to the queue's Redis. Rejects with an `UnreachableError` if it cannot be reached. */
export async function connectQueues(options: QueuesOptions): Promise<Queues> {
  const { url, prefix = defaultPrefix, ingestQueues = 1, onError } = options;
  await using parts = new AsyncDisposableStack();
  const connection = producerConnection(url);
  parts.defer(() => connection.disconnect());
  let fault: unknown;
  connection.on("error", (error) => {
    fault ??= error;
    onError(error);
  });
  const registry = createQueueRegistry(connection, prefix);
  const own = new Map(queueNames.map((name) => [name, wireNamesOf(name, ingestQueues)]));
  const ownIngest = own.get("ingest") ?? [];
  try {
    await connection.connect();
    await registry.declare(ownIngest);
  } catch (error) {
    // The error of `connect` itself only says that the connection is closed.
    throw new UnreachableError("Redis", url, fault ?? error);
  }
  const tell = (error: unknown): void => onError(error instanceof Error ? error : new Error(String(error)));
  parts.use(startLoop({ everyMs: declareEveryMs, tick: () => registry.declare(ownIngest), onError: tell }));

  const opened = new Map<string, Queue>();
  parts.defer(async () => {
    await Promise.all([...opened.values()].map((queue) => queue.close()));
  });
  const queueAt = (wireName: string): Queue => {
    const existing = opened.get(wireName);
    if (existing !== undefined) return existing;
    const queue = new Queue(wireName, { connection, prefix, streams: { events: { maxLen: 1_000 } } });
    queue.on("error", onError);
    opened.set(wireName, queue);
    return queue;
  };
  const ownOf = (name: QueueName): readonly Queue[] => (own.get(name) ?? []).map(queueAt);
  /** Also those that others put jobs into, or did. */
  const allOf = async (name: QueueName): Promise<readonly Queue[]> => {
    if (name !== "ingest") return ownOf(name);
    return [...new Set([...ownIngest, ...(await registry.list()).keys()])].map(queueAt);
  };
  await Promise.all(queueNames.flatMap(ownOf).map((queue) => queue.waitUntilReady()));

  let turn = 0;
  const nextOf = (name: QueueName): Queue => {
    const queues = ownOf(name);
    turn += 1;
    const queue = queues[turn % queues.length];
    if (queue === undefined) throw new Error(`No queue is named ${name}`);
    return queue;
  };
  const fullestNode = async (): Promise<QueueMemory> => {
    const nodes = await Promise.all(
      mastersOf(connection).map(async (node) => memoryIn(fieldsOf(await node.info("memory")))),
    );
    return nodes.reduce((fullest, memory) => (fullnessOf(memory) > fullnessOf(fullest) ? memory : fullest));
  };
  const running = parts.move();

  return {
    async enqueue(key, payload) {
      const contract = jobs[key];
      const job = await nextOf(contract.queue).add(contract.name, contract.payload.parse(payload), optionsOf(key));
      return job.id ?? "";
    },

    notes: createNotes(connection, prefix),
    lists: createLists(connection, prefix),
    presence: createPresence(connection, prefix),

    mail: (mailbox, text) => connection.publish(channelOf(prefix, mailbox), text),

    async upsertSchedulers() {
      await Promise.all(queueNames.flatMap(ownOf).map(syncSchedulers));
    },

    async nextRuns() {
      const schedulers = await Promise.all(ownOf("upkeep").map((queue) => queue.getJobSchedulers()));
      return new Map(schedulers.flat().flatMap(({ key, next }) => (next === undefined ? [] : [[key, new Date(next)]])));
    },

    async runNow(name) {
      const key = jobKeyOf(name);
      if (key === undefined) return undefined;
      const { schedule } = jobs[key];
      if (schedule === undefined) return undefined;
      const job = await nextOf(jobs[key].queue).add(name, schedule.payload, optionsOf(key));
      return job.id;
    },

    async list() {
      const lists = await Promise.all(
        queueNames.map(async (name) =>
          (await allOf(name)).map((queue) => ({ name, title: titleOf(queue.name), queue })),
        ),
      );
      return lists.flat();
    },

    async depth(name) {
      const counts = await Promise.all(
        (await allOf(name)).map((queue) => queue.getJobCounts("waiting", "active", "delayed")),
      );
      return sumOf(counts.flatMap((count) => Object.values(count)));
    },

    async load(name) {
      const [memory, loads] = await Promise.all([
        fullestNode(),
        allOf(name).then((queues) => Promise.all(queues.map((queue) => loadOf(queue, connection)))),
      ]);
      return {
        ...memory,
        waitingJobs: sumOf(loads.map((load) => load.waitingJobs)),
        waitingBytes: sumOf(loads.map((load) => load.waitingBytes)),
        nextBytes: Math.max(...loads.map((load) => load.nextBytes)),
        oldestWaitMs: Math.max(...loads.map((load) => load.oldestWaitMs)),
        finishedJobs: sumOf(loads.map((load) => load.finishedJobs)),
      };
    },

    async attendance() {
      const queues = [...(await allOf("ingest")), ...(await allOf("writes"))];
      const states = await Promise.all(queues.map((queue) => stateOf(queue, connection)));
      const consumers = await Promise.all(queues.map((queue) => queue.getWorkersCount()));
      return {
        oldestWaitMs: Math.max(...states.map(({ oldestWaitMs }) => oldestWaitMs)),
        consumers: Math.min(...consumers),
      };
    },

    async states() {
      const queues = (await Promise.all(queueNames.map(allOf))).flat();
      return await Promise.all(queues.map((queue) => stateOf(queue, connection)));
    },

    memory: fullestNode,

    async ping() {
      await Promise.all(mastersOf(connection).map((node) => node.ping()));
    },

    async inspect() {
      const settings = await Promise.all(mastersOf(connection).map(readRedisSettings));
      return { settings, dangers: [...new Set(settings.flatMap(dangersOf))] };
    },

    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** How many waiting jobs are looked at, from the oldest to the newest. */
const sampledJobs = 5;

async function loadOf(queue: Queue, redis: RedisClient): Promise<Omit<QueueLoad, keyof QueueMemory>> {
  const [counts, completed] = await Promise.all([
    queue.getJobCounts("waiting", "delayed", "prioritized"),
    queue.getMetrics("completed", 0, 0),
  ]);
  const waitingJobs = sumOf(Object.values(counts));
  // The list begins with the newest. Only lengths are read, since a payload may be large.
  const last = Math.max(0, (counts["waiting"] ?? 0) - 1);
  const positions = new Set(
    Array.from({ length: sampledJobs }, (_, step) => Math.round((last * step) / (sampledJobs - 1))),
  );
  const ids = await Promise.all([...positions].map((position) => redis.lindex(queue.toKey("wait"), position)));
  const keys = ids.flatMap((id) => (id === null ? [] : queue.toKey(id)));
  const lengths = await Promise.all(keys.map((key) => redis.hstrlen(key, "data")));
  const oldest = keys.at(-1);
  const timestamp = oldest === undefined ? null : await redis.hget(oldest, "timestamp");
  return {
    waitingJobs,
    waitingBytes: lengths.length === 0 ? 0 : (sumOf(lengths) / lengths.length) * waitingJobs,
    nextBytes: lengths.at(-1) ?? 0,
    oldestWaitMs: timestamp === null ? 0 : Math.max(0, Date.now() - Number(timestamp)),
    finishedJobs: completed.meta.count,
  };
}

function memoryIn(info: ReadonlyMap<string, string>): QueueMemory {
  return { usedBytes: Number(info.get("used_memory") ?? 0), maxBytes: Number(info.get("maxmemory") ?? 0) };
}

/** The share of its memory that a server uses; those without a limit are told apart by what they use. */
function fullnessOf({ usedBytes, maxBytes }: QueueMemory): number {
  return usedBytes / (maxBytes === 0 ? Number.MAX_SAFE_INTEGER : maxBytes);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

async function syncSchedulers(queue: Queue): Promise<void> {
  const name = queueOf(queue.name);
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
