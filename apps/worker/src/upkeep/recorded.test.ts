import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { connectQueues, type JobPayload, type QueueName } from "@millrace/jobs";
import { runStatements } from "@millrace/upkeep";
import { expect, test } from "vitest";
import { createRecorded } from "./recorded.ts";

const job = "partitions.keep";
const forJob = (id: string) => ({ id, queue: "upkeep", attempt: 1 });

async function openWorld() {
  await using parts = new AsyncDisposableStack();
  const { db } = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const queues = parts.use(await connectQueues({ ...redis, onError: () => {} }));
  const signal = new AbortController().signal;
  const recorded = createRecorded({ db, queues, lockMs: 30_000, signal });
  const all = parts.move();
  return {
    db,
    queues,
    recorded,
    runs: () => db.rows(runStatements.listByJob, [job, 10]),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

test.each(["ingest", "writes"] as const)(
  "a run stands still while jobs wait in the queue %s, and goes on then",
  async (queue) => {
    await using world = await openWorld();
    const { db, queues } = world;
    await (queue === "ingest"
      ? queues.enqueue("importEvents", { rows: "", count: 1, months: [], receivedAt: 0 })
      : queues.enqueue("applyWrites", { entity: "users/0x" }));
    let hasGoneOn = false;
    const looks: [waitMs: number, hasGoneOn: boolean][] = [];
    const load = async (name: QueueName) => {
      const found = await queues.load(name);
      if (name !== queue) return found;
      looks.push([found.oldestWaitMs, hasGoneOn]);
      // From the third look on as if a worker had taken it.
      return looks.length > 2 ? { ...found, oldestWaitMs: 0 } : found;
    };
    await expect.poll(async () => (await queues.load(queue)).oldestWaitMs, { timeout: 5_000 }).toBeGreaterThan(1_000);
    const signal = new AbortController().signal;
    const recorded = createRecorded({ db, queues: { load }, lockMs: 30_000, signal });
    await recorded("keepPartitions", async (run) => {
      await run.giveWay();
      hasGoneOn = true;
    })({}, forJob("1"));
    expect(looks.map(([waitMs, hadGoneOn]) => [waitMs > 1_000, hadGoneOn])).toEqual([
      [true, false],
      [true, false],
      [true, false],
    ]);
    expect(await world.runs()).toMatchObject([{ outcome: "done" }]);
  },
);

test("a job that is due while it runs is recorded as skipped; one with its own orders is tried again", async () => {
  await using world = await openWorld();
  const { recorded } = world;
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const work = async (): Promise<void> => {
    begun.resolve();
    await end.promise;
  };
  const first = recorded("keepPartitions", work)({}, forJob("1"));
  await begun.promise;
  await recorded("keepPartitions", work)({}, forJob("2"));
  end.resolve();
  await first;
  expect(await world.runs()).toMatchObject([
    { queue_job_id: "2", outcome: "skipped", error: "another run was under way" },
    { queue_job_id: "1", outcome: "done" },
  ]);
  let unfinished: Date | undefined = new Date(0);
  await recorded("keepPartitions", async (run) => {
    unfinished = run.unfinishedSince;
  })({}, forJob("3"));
  expect(unfinished).toBeUndefined();

  const ordered: JobPayload<"changeIndexes"> = { actions: [], direction: "apply" };
  const inside = recorded("changeIndexes", async () => {
    await expect(recorded("changeIndexes", async () => {})(ordered, forJob("5"))).rejects.toThrow("under way");
  });
  await inside(ordered, forJob("4"));
});
