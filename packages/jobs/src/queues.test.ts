import { createTestRedis } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { jobs, queueNames } from "./catalogue.ts";
import { connectQueues } from "./queues.ts";
import { idleHandlers } from "./testing/idle-handlers.ts";
import { queueOn } from "./testing/queue-on.ts";
import { startWorkers } from "./workers.ts";

test("the schedulers of the catalogue exist after a start, however often, and no others", async () => {
  await using redis = await createTestRedis();
  await using upkeep = await queueOn(redis, "upkeep");
  await upkeep.queue.upsertJobScheduler("reports.retired", { pattern: "1 * * * *" }, { name: "reports.retired" });
  await using one = await connectQueues({ ...redis, onError: () => {} });
  await using other = await connectQueues({ ...redis, onError: () => {} });
  await Promise.all([one.upsertSchedulers(), other.upsertSchedulers()]);
  await one.upsertSchedulers();

  const declared = Object.values(jobs).flatMap(({ name, queue, schedule }) =>
    schedule === undefined ? [] : [{ name, queue: String(queue), pattern: schedule.pattern, tz: "UTC" }],
  );
  const existing = [];
  for (const name of queueNames) {
    await using opened = await queueOn(redis, name);
    for (const { key, pattern, tz } of await opened.queue.getJobSchedulers()) {
      existing.push({ name: key, queue: String(name), pattern, tz });
    }
  }
  expect(declared.length).toBeGreaterThan(0);
  expect(existing.sort(byName)).toEqual(declared.sort(byName));
});

test("a job is in Redis when enqueueing resolves, and a wrong payload is refused before that", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError: () => {} });
  await queues.enqueue("importEvents", { rows: "x\n", count: 1, months: ["2026-11"], receivedAt: 0 });
  expect(await queues.depth("ingest")).toBe(1);
  const wrong = { rows: "x\n", count: 0, months: ["2026-11"], receivedAt: 0 };
  await expect(queues.enqueue("importEvents", wrong)).rejects.toThrow(/count/);
  expect(await queues.depth("ingest")).toBe(1);
});

test("the load tells what waits, since when, and what was done", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError: () => {} });
  expect(await queues.load("ingest")).toMatchObject({ waitingJobs: 0, oldestWaitMs: 0, finishedJobs: 0 });
  const payload = { rows: "x\n", count: 1, months: ["2026-11"], receivedAt: 0 };
  await queues.enqueue("importEvents", payload);
  await queues.enqueue("importEvents", payload);
  const { oldestWaitMs, ...load } = await queues.load("ingest");
  const bytes = JSON.stringify(payload).length;
  expect(load).toMatchObject({ waitingJobs: 2, waitingBytes: 2 * bytes, nextBytes: bytes, finishedJobs: 0 });
  expect(load.usedBytes).toBeGreaterThan(100_000);
  expect(oldestWaitMs).toBeLessThan(60_000);

  await using ingest = await queueOn(redis, "ingest");
  const bothDone = new Promise<void>((resolve) => {
    let count = 0;
    ingest.events.on("completed", () => {
      count += 1;
      if (count === 2) resolve();
    });
  });
  await using _workers = await startWorkers({
    ...redis,
    handlers: idleHandlers,
    concurrency: { ingest: 1, upkeep: 1, writes: 1 },
    onError: () => {},
  });
  await bothDone;
  expect(await queues.load("ingest")).toMatchObject({ waitingJobs: 0, oldestWaitMs: 0, finishedJobs: 2 });
});

test("a Redis that cannot be reached is one sentence with its address and without its password", async () => {
  const connecting = connectQueues({ url: "redis://:secret@127.0.0.1:1", onError: () => {} });
  await expect(connecting).rejects.toThrow(/^Redis at 127\.0\.0\.1:1 does not let us in: connect ECONNREFUSED/);
});

function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name);
}
