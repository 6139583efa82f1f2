import { startLoop } from "@millrace/runtime";
import { Queue } from "bullmq";
import { type QueueName, queueNames } from "./catalogue.ts";
import { producerConnection, type QueueRedisOptions } from "./connection.ts";
import type { Consumer, RunUnderWay } from "./consumer.ts";
import { createLiveness, type LivenessLimits } from "./liveness.ts";
import { queueOf, wireNamesOf } from "./queue-names.ts";
import { createQueueRegistry } from "./queue-registry.ts";

export interface MembersOptions extends Required<QueueRedisOptions> {
  readonly ingestQueues: number;
  readonly concurrency: Readonly<Record<QueueName, number>>;
  readonly limits: LivenessLimits;
  readonly lookEveryMs: number;
  readonly consume: (wireName: string, concurrency: number) => Promise<Consumer>;
  readonly onError: (error: Error) => void;
  readonly onRestart: (queue: string) => void;
  readonly onStuck: (queue: string) => void;
}

/** The consumers of a process, one for each queue. */
export interface Workers extends AsyncDisposable {
  /** Queues that have work, and from which nothing comes though their consumer was restarted. */
  stuckQueues(): readonly string[];
  /** The queues that this process takes jobs from, and whether it is stuck on them. */
  consumers(): readonly { readonly queue: string; readonly isStuck: boolean }[];
  /** The jobs under way by name; `oldestMs` is how long the oldest of them has been run. */
  running(): readonly { readonly name: string; readonly running: number; readonly oldestMs: number }[];
  /** How long the oldest job under way has been run, in ms; 0 without one. */
  oldestRunMs(): number;
}

/** A queue that nobody has declared for this long, and that is empty, has been given up. */
const retiredAfterMs = 3_600_000;

interface Member {
  readonly consumer: Consumer;
  readonly liveness: ReturnType<typeof createLiveness>;
  readonly queue: Queue;
}

/**
 * Consumes every queue that this process knows of, or that is in the registry, and looks after the consumers: with
 * a connection of its own, which is not the one that may have gone silent.
 */
export async function startMembers(options: MembersOptions): Promise<Workers> {
  const { url, prefix, ingestQueues, concurrency, limits, lookEveryMs, consume, onError, onRestart, onStuck } = options;
  await using parts = new AsyncDisposableStack();
  const connection = producerConnection(url);
  parts.defer(() => connection.disconnect());
  connection.on("error", onError);
  await connection.connect();
  const registry = createQueueRegistry(connection, prefix);
  const own = new Set(queueNames.flatMap((name) => wireNamesOf(name, ingestQueues)));
  const members = new Map<string, Member>();
  parts.defer(async () => {
    const all = [...members.values()];
    await Promise.all(all.map(({ consumer }) => consumer[Symbol.asyncDispose]()));
    await Promise.all(all.map(({ queue }) => queue.close()));
  });

  async function join(wireName: string): Promise<void> {
    const consumer = await consume(wireName, 1);
    const queue = new Queue(wireName, { connection, prefix });
    queue.on("error", onError);
    members.set(wireName, { consumer, queue, liveness: createLiveness(limits) });
  }

  /** The jobs that a process holds at once are shared out among the queues of the same kind. */
  function shareOut(): void {
    for (const name of queueNames) {
      const same = [...members.values()].filter(({ consumer }) => queueOf(consumer.wireName) === name);
      for (const { consumer } of same) consumer.setConcurrency(Math.ceil(concurrency[name] / same.length));
    }
  }

  async function followRegistry(): Promise<void> {
    const declared = await registry.list();
    const missing = [...new Set([...own, ...declared.keys()])].filter((name) => !members.has(name));
    await Promise.all(missing.map(join));
    for (const [name, declaredAt] of declared) {
      if (own.has(name) || Date.now() - declaredAt < retiredAfterMs) continue;
      const member = members.get(name);
      if (member !== undefined && (await isEmpty(member.queue))) await retire(name, member);
    }
    shareOut();
  }

  async function retire(name: string, { consumer, queue }: Member): Promise<void> {
    await registry.forget(name);
    members.delete(name);
    await consumer[Symbol.asyncDispose]();
    await queue.close();
  }

  async function lookAfter({ consumer, liveness, queue }: Member): Promise<void> {
    const waitingJobs = (await queue.isPaused()) ? 0 : await queue.getJobCountByTypes("waiting", "prioritized");
    const { startedJobs, hasRoom } = consumer;
    const verdict = liveness.judge({ waitingJobs, startedJobs, hasRoom, nowMs: performance.now() });
    if (verdict === "give_up") onStuck(queueOf(consumer.wireName));
    if (verdict !== "restart") return;
    consumer.restart();
    onRestart(queueOf(consumer.wireName));
  }

  await Promise.all([...own].map(join));
  await followRegistry();
  parts.use(
    startLoop({
      everyMs: lookEveryMs,
      tick: async () => {
        await followRegistry();
        await Promise.all([...members.values()].map(lookAfter));
      },
      onError: (error) => onError(error instanceof Error ? error : new Error(String(error))),
    }),
  );
  const running = parts.move();
  const runsUnderWay = () => [...members.values()].flatMap(({ consumer }) => consumer.runs);
  const isStuck = (queue: string): boolean =>
    [...members.values()].some(({ consumer, liveness }) => queueOf(consumer.wireName) === queue && liveness.isStuck);
  const consumers = () => queueNames.map((queue) => ({ queue, isStuck: isStuck(queue) }));
  return {
    consumers,
    stuckQueues: () => consumers().flatMap(({ queue, isStuck }) => (isStuck ? [queue] : [])),
    running: () =>
      [...Map.groupBy(runsUnderWay(), ({ name }) => name)].map(([name, runs]) => ({
        name,
        running: runs.length,
        oldestMs: oldestOf(runs),
      })),
    oldestRunMs: () => oldestOf(runsUnderWay()),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function oldestOf(runs: readonly RunUnderWay[]): number {
  return runs.length === 0 ? 0 : performance.now() - Math.min(...runs.map(({ startedAt }) => startedAt));
}

/** Without failed jobs either, which are an operator's to look at. */
async function isEmpty(queue: Queue): Promise<boolean> {
  const counts = await queue.getJobCounts("waiting", "active", "delayed", "prioritized", "failed");
  return Object.values(counts).every((count) => count === 0);
}
