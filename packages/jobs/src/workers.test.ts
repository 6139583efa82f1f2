import { createTestRedis, type TestRedis } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { connectQueues } from "./queues.ts";
import { idleHandlers } from "./testing/idle-handlers.ts";
import { queueOn } from "./testing/queue-on.ts";
import { type JobHandlers, PermanentJobError, startWorkers, type UnreadableJob } from "./workers.ts";

const payload = { rows: "x\n", count: 1, months: ["2026-11"], receivedAt: 0 };
const concurrency = { ingest: 4, upkeep: 1, writes: 1 };

test("a job is gone once its handler has resolved, and stays as long as it has not", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError: () => {} });
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  await queues.enqueue("importEvents", payload);
  {
    await using _workers = await workersOn(redis, {
      importEvents: async () => {
        started.resolve();
        await finish.promise;
      },
    });
    await started.promise;
    expect(await queues.depth("ingest")).toBe(1);
    finish.resolve();
  } // waits for the job under way
  expect(await queues.depth("ingest")).toBe(0);
});

test("a job that fails is tried again; a permanent failure, or one nobody can read, is kept for an operator", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError: () => {} });
  const again = Promise.withResolvers<number>();
  await queues.enqueue("importEvents", payload);
  {
    await using _workers = await workersOn(redis, {
      importEvents: async (_payload, { attempt }) => {
        if (attempt === 1) throw new Error("a passing fault");
        again.resolve(attempt);
      },
    });
    expect(await again.promise).toBe(2);
  }
  await using ingest = await queueOn(redis, "ingest");
  expect(await ingest.queue.getFailedCount()).toBe(0);

  await queues.enqueue("importEvents", payload);
  await ingest.queue.add("events.import", { rows: 7 });
  const bothFailed = new Promise<void>((resolve) => {
    let count = 0;
    ingest.events.on("failed", () => {
      count += 1;
      if (count === 2) resolve();
    });
  });
  await using _workers = await workersOn(redis, {
    importEvents: async () => {
      throw new PermanentJobError("BROKEN", "no try can help");
    },
  });
  await bothFailed;
  const reasons = (await ingest.queue.getFailed()).map((job) => job.failedReason);
  expect(reasons.toSorted()).toEqual([
    "BROKEN: no try can help",
    expect.stringMatching(/^PAYLOAD_INVALID: [\s\S]*rows/),
  ]);
});

test("a job that nobody can read is handed over to be kept, and is then done", async () => {
  await using redis = await createTestRedis();
  await using ingest = await queueOn(redis, "ingest");
  await ingest.queue.add("events.import", { rows: 7 });
  const kept = Promise.withResolvers<UnreadableJob>();
  await using _workers = await workersOn(redis, {}, async (job) => kept.resolve(job));
  expect(await kept.promise).toMatchObject({
    queue: "ingest",
    name: "events.import",
    data: { rows: 7 },
    message: expect.stringContaining("rows"),
  });
});

function workersOn(
  { url, prefix }: TestRedis,
  handlers: Partial<JobHandlers>,
  keepUnreadable?: (job: UnreadableJob) => Promise<void>,
): Promise<AsyncDisposable> {
  return startWorkers({
    url,
    prefix,
    handlers: { ...idleHandlers, ...handlers },
    concurrency,
    onError: () => {},
    ...(keepUnreadable && { keepUnreadable }),
  });
}
