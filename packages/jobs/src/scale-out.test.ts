import { createTestRedis, startTestRedisCluster } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { connectQueues } from "./queues.ts";
import { idleHandlers } from "./testing/idle-handlers.ts";
import { type JobHandlers, startWorkers } from "./workers.ts";

const payloadOf = (count: number) => ({ rows: "x\n", count, months: ["2026-11"], receivedAt: 0 });
const concurrency = { ingest: 4, upkeep: 1, writes: 1 };
const onError = (): void => {};

test("the queues of a cluster lie on its three nodes, and a worker that knows of none empties them all", async () => {
  await using cluster = await startTestRedisCluster();
  const options = { url: cluster.url, prefix: "test", onError };
  await using queues = await connectQueues({ ...options, ingestQueues: 3 });
  for (const count of numbers(1, 30)) await queues.enqueue("importEvents", payloadOf(count));
  for (const node of cluster.nodes) expect(await node.keys("test:ingest-*:wait")).toHaveLength(1);
  expect(await queues.load("ingest")).toMatchObject({ waitingJobs: 30, finishedJobs: 0 });
  expect((await queues.inspect()).settings).toHaveLength(3);
  await queues.ping();

  const done = collect(30);
  expect(await queues.attendance()).toMatchObject({ consumers: 0 });
  await using _workers = await startWorkers({ ...options, handlers: done.handlers, concurrency });
  expect(await done.all).toEqual(numbers(1, 30));
  expect(await queues.attendance()).toMatchObject({ consumers: 1 });
});

test("nothing is lost when the number of queues changes while jobs wait and workers run", async () => {
  await using redis = await createTestRedis();
  const options = { ...redis, onError };
  const done = collect(40);
  {
    await using before = await connectQueues({ ...options, ingestQueues: 4 });
    for (const count of numbers(1, 20)) await before.enqueue("importEvents", payloadOf(count));
  }
  await using _workers = await startWorkers({ ...options, handlers: done.handlers, concurrency, lookEveryMs: 20 });
  await using after = await connectQueues({ ...options, ingestQueues: 2 });
  for (const count of numbers(21, 40)) await after.enqueue("importEvents", payloadOf(count));
  expect(await done.all).toEqual(numbers(1, 40));
  expect(await after.load("ingest")).toMatchObject({ waitingJobs: 0 });
});

function collect(wanted: number): { readonly handlers: JobHandlers; readonly all: Promise<readonly number[]> } {
  const seen = new Set<number>();
  const { promise, resolve } = Promise.withResolvers<readonly number[]>();
  const handlers: JobHandlers = {
    ...idleHandlers,
    importEvents: async ({ count }) => {
      seen.add(count);
      if (seen.size === wanted) resolve([...seen].sort((a, b) => a - b));
    },
  };
  return { handlers, all: promise };
}

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
