import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { copyRowOf, monthOf } from "@millrace/events";
import type { JobPayload } from "@millrace/jobs";
import { createTailFeed } from "@millrace/tail";
import { expect, test } from "vitest";
import { createPartitionKeeper } from "../../partitions/partition-keeper.ts";
import { createImportEvents } from "../import-events.ts";
import { createEventStore } from "../store-events.ts";
import { startTail } from "./show-committed.ts";

const received = "2026-11-23T10:00:00.000Z";

/** The worker's way of a job, from the handler to PostgreSQL, with a tail at this Redis. */
async function openWorker(redis: { readonly url: string; readonly prefix: string }) {
  await using parts = new AsyncDisposableStack();
  const { db } = parts.use(await createTestDatabase());
  const window = { maxAgeDays: 3_650, maxAheadDays: 31 };
  const now = (): Date => new Date(received);
  const partitions = createPartitionKeeper({ db, table: "telemetry_events", window, premakeMonths: 1, now });
  parts.use(startTail({ ...redis, partitions, everyMs: 10, onError: () => {} }));
  const importEvents = parts.use(
    createImportEvents({
      storeEvents: createEventStore({ db, partitions }),
      batch: { maxRows: 100, maxLength: 1_000_000, maxWaitMs: 0, maxParallel: 1 },
    }),
  );
  const open = parts.move();
  return {
    run: (job: JobPayload<"importEvents">) => importEvents.handler(job, { id: "1", queue: "test", attempt: 1 }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function jobOf(...events: readonly { id: string; time?: string }[]): JobPayload<"importEvents"> {
  const rows = events.map(({ id, time = received }) => ({
    row: copyRowOf({ id, source: "/s", type: "t", time }, received),
    month: monthOf(time),
  }));
  return {
    rows: rows.map(({ row }) => row).join(""),
    count: rows.length,
    months: [...new Set(rows.map(({ month }) => month))],
    receivedAt: 0,
  };
}

test("what a job brings into the table is shown; what it brings into quarantine, or again, is not", async () => {
  await using redis = await createTestRedis();
  await using worker = await openWorker(redis);
  await using feed = createTailFeed({ ...redis, onError: () => {} });
  const shown: string[] = [];
  using _listening = feed.listen(
    {},
    { onEvents: (events) => shown.push(...events.map(({ line }) => line.split("\t", 1)[0] ?? "")), onLive: () => {} },
  );
  let n = 0;
  await expect
    .poll(
      async () => {
        n += 1;
        await worker.run(jobOf({ id: `try ${n}` }));
        return shown.length;
      },
      { timeout: 15_000, interval: 10 },
    )
    .toBeGreaterThan(0);

  await worker.run(jobOf({ id: "a" }, { id: "too old", time: "1999-01-01T00:00:00Z" }, { id: "b" }));
  await worker.run(jobOf({ id: "a" }, { id: "b" }));
  await worker.run(jobOf({ id: "c" }));
  await expect.poll(() => shown.filter((id) => !id.startsWith("try")), { timeout: 15_000 }).toEqual(["a", "b", "c"]);
});

test("with no Redis for the tail, jobs are done as ever", async () => {
  await using redis = await createTestRedis();
  await using worker = await openWorker({ ...redis, url: "redis://127.0.0.1:1" });
  await worker.run(jobOf({ id: "a" }));
});
