import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { startRedis } from "@millrace/embedded";
import { createServerFolder, createTestRedis, freePort, loadTestConfig, openWay } from "@millrace/embedded/testing";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import type { Consumer } from "./consumer.ts";
import { startMembers } from "./members.ts";
import { connectQueues, type Queues } from "./queues.ts";
import { idleHandlers } from "./testing/idle-handlers.ts";
import { startWorkers } from "./workers.ts";

const onError = (): void => {};
const concurrency = { ingest: 2, upkeep: 1, writes: 1 };
const { searchPath } = loadTestConfig(process.env);

test("a worker whose connections have gone silent is restarted, and then takes what waits", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError });
  await using way = await openWay(redis.url);
  const taken = collect();
  const restarted = Promise.withResolvers<string>();
  await using _workers = await startWorkers({
    url: way.url,
    prefix: redis.prefix,
    handlers: taken.handlers,
    concurrency,
    liveness: { stuckAfterMs: 100, maxRestarts: 1_000 },
    lookEveryMs: 50,
    onError,
    onRestart: restarted.resolve,
  });
  await add(queues, 1);
  await taken.of(1);
  way.silence();
  await add(queues, 2);
  expect(await restarted.promise).toBe("ingest");
  await taken.of(2);
});

test("a worker that takes nothing with new connections either is given up", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError });
  const given = Promise.withResolvers<string>();
  const restarted: string[] = [];
  await using members = await startMembers({
    ...redis,
    ingestQueues: 1,
    concurrency,
    limits: { stuckAfterMs: 1, maxRestarts: 3 },
    lookEveryMs: 5,
    consume: async (wireName) => deafConsumer(wireName),
    onError,
    onRestart: (queue) => restarted.push(queue),
    onStuck: given.resolve,
  });
  expect(members.stuckQueues()).toEqual([]);
  await add(queues, 1);
  expect(await given.promise).toBe("ingest");
  expect(restarted).toEqual(["ingest", "ingest", "ingest"]);
  expect(members.stuckQueues()).toEqual(["ingest"]);
});

test("consuming goes on after Redis was killed, stood still or was started anew", async () => {
  await using folder = await createServerFolder();
  const port = await freePort();
  const start = () =>
    startRedis({
      dataDir: join(folder.path, "redis"),
      cacheDir: join(folder.path, "cache"),
      port,
      appendOnly: true,
      appendfsync: "always",
      searchPath,
      log: () => {},
    });
  const first = await start();
  const taken = collect();
  const { url } = first;
  await using queues = await connectQueues({ url, onError });
  await using _workers = await startWorkers({ url, handlers: taken.handlers, concurrency, onError });
  await add(queues, 1);
  await taken.of(1);

  const pid = await processOf(url);
  process.kill(pid, "SIGSTOP");
  const adding = add(queues, 2);
  process.kill(pid, "SIGCONT");
  await adding;
  await taken.of(2);

  process.kill(pid, "SIGKILL");
  await first[Symbol.asyncDispose]();
  {
    await using _second = await start();
    await add(queues, 3);
    await taken.of(3);
  }
  await using _third = await start();
  await add(queues, 4);
  await taken.of(4);
});

test("consuming goes on at the replica that Sentinel promotes", async ({ skip }) => {
  const program = searchPath.split(delimiter).map((path) => join(path, "redis-server"));
  await using folder = await createServerFolder();
  const common = { cacheDir: join(folder.path, "cache"), appendOnly: true, password: "pw", searchPath, log: () => {} };
  const master = await startRedis({ ...common, dataDir: join(folder.path, "a"), settings: ["masterauth pw"] });
  await using replica = await startRedis({
    ...common,
    dataDir: join(folder.path, "b"),
    settings: ["masterauth pw", `replicaof 127.0.0.1 ${master.port}`],
  });
  const sentinel = await startSentinel(program, folder.path, master.port);
  if (sentinel === undefined) return skip("no redis-server on PATH to run as a sentinel");
  await using _sentinel = sentinel;
  const url = `redis+sentinel://:pw@127.0.0.1:${sentinel.port}/main`;
  const taken = collect();
  await using queues = await connectQueues({ url, onError });
  await using _workers = await startWorkers({ url, handlers: taken.handlers, concurrency, onError });
  await add(queues, 1);
  await taken.of(1);
  await sentinel.knowsReplica(replica.port);

  await master[Symbol.asyncDispose]();
  await add(queues, 2);
  await taken.of(2);
});

/** Adds a job as a client does that is told that the queue is not available. */
async function add(queues: Queues, count: number): Promise<void> {
  const payload = { rows: "x\n", count, months: ["2026-11"], receivedAt: 0 };
  while (
    !(await queues.enqueue("importEvents", payload).then(
      () => true,
      () => false,
    ))
  )
    await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

function collect() {
  const taken = new Map<number, PromiseWithResolvers<void>>();
  const entry = (count: number) => {
    const existing = taken.get(count) ?? Promise.withResolvers<void>();
    taken.set(count, existing);
    return existing;
  };
  return {
    handlers: {
      ...idleHandlers,
      importEvents: async ({ count }: { count: number }) => entry(count).resolve(),
    },
    of: (count: number) => entry(count).promise,
  };
}

/** A consumer to which nothing comes, whatever is done with it. */
function deafConsumer(wireName: string): Consumer {
  return {
    wireName,
    startedJobs: 0,
    hasRoom: true,
    runs: [],
    setConcurrency() {},
    restart() {},
    async [Symbol.asyncDispose]() {},
  };
}

async function processOf(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    return Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
  } finally {
    redis.disconnect();
  }
}

async function startSentinel(programs: readonly string[], folder: string, masterPort: number) {
  const port = await freePort();
  const file = join(folder, "sentinel.conf");
  await writeFile(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor main 127.0.0.1 ${masterPort} 1\n` +
      "sentinel auth-pass main pw\nsentinel down-after-milliseconds main 300\nsentinel failover-timeout main 2000\n",
  );
  const child = await firstThatRuns(programs, [file, "--sentinel"]);
  if (child === undefined) return undefined;
  const redis = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null });
  redis.on("error", onError); // until it listens
  return {
    port,
    async knowsReplica(replicaPort: number) {
      while (!JSON.stringify(await redis.call("SENTINEL", "REPLICAS", "main")).includes(`:${replicaPort}`)) {
        await nextTurn(); // a sentinel tells nobody what it has found
      }
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function firstThatRuns(programs: readonly string[], args: readonly string[]): Promise<ChildProcess | undefined> {
  for (const program of programs) {
    const child = spawn(program, args, { stdio: "ignore" });
    if (
      await once(child, "spawn").then(
        () => true,
        () => false,
      )
    )
      return child;
  }
  return undefined;
}
