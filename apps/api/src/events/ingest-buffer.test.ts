import type { JobInput } from "@millrace/jobs";
import { expect, test } from "vitest";
import { createIngestBuffer } from "./ingest-buffer.ts";

type Payload = JobInput<"importEvents">;

function bufferWith(options: { maxJobLength?: number; lingerMs?: number; maxPendingLength?: number } = {}) {
  const jobs: { payload: Payload; done: PromiseWithResolvers<void> }[] = [];
  const added: (() => void)[] = [];
  const buffer = createIngestBuffer({
    add: (payload) => {
      const done = Promise.withResolvers<void>();
      jobs.push({ payload, done });
      for (const tell of added.splice(0)) tell();
      return done.promise;
    },
    maxJobLength: options.maxJobLength ?? 1_000,
    lingerMs: options.lingerMs ?? 0,
    maxPendingLength: options.maxPendingLength ?? 1_000_000,
  });
  const nextJob = async (): Promise<(typeof jobs)[number]> => {
    while (jobs.length === 0) await new Promise<void>((resolve) => added.push(resolve));
    const [job] = jobs.splice(0, 1);
    if (job === undefined) throw new Error("no job");
    return job;
  };
  return { buffer, nextJob };
}

const row = (text: string, month = "2026-11") => ({ row: `${text}\n`, month });

test("requests of one moment share a job, and each is answered only when Redis has it", async () => {
  const { buffer, nextJob } = bufferWith();
  let answered = 0;
  const requests = ["a", "b", "c"].map((text) => buffer.push([row(text)], 5).then(() => (answered += 1)));
  const job = await nextJob();
  expect(job.payload).toEqual({ rows: "a\nb\nc\n", count: 3, months: ["2026-11"], receivedAt: 5 });
  expect(answered).toBe(0);
  job.done.resolve();
  await Promise.all(requests);
  expect(answered).toBe(3);
});

test("a large request is cut into jobs below the limit and waits for all of them", async () => {
  const { buffer, nextJob } = bufferWith({ maxJobLength: 10 });
  const request = buffer.push([row("aaaa"), row("bbbb"), row("cccc", "2026-12")], 5);
  const [first, second] = [await nextJob(), await nextJob()];
  expect(first.payload).toMatchObject({ rows: "aaaa\nbbbb\n", count: 2, months: ["2026-11"] });
  expect(second.payload).toMatchObject({ rows: "cccc\n", count: 1, months: ["2026-12"] });
  first.done.resolve();
  second.done.reject(new Error("Redis went away"));
  await expect(request).rejects.toMatchObject({ status: 503, code: "queue_unavailable" });
});

test("with too much on its way to Redis a request is refused at once, and taken again later", async () => {
  const { buffer, nextJob } = bufferWith({ maxPendingLength: 3 });
  const first = buffer.push([row("aaaa")], 5);
  await expect(buffer.push([row("b")], 5)).rejects.toMatchObject({ status: 503, code: "overloaded" });
  (await nextJob()).done.resolve();
  await first;
  const second = buffer.push([row("b")], 5);
  (await nextJob()).done.resolve();
  await second;
});

test("closing sends what waits and resolves when Redis has it", async () => {
  const { buffer, nextJob } = bufferWith({ lingerMs: 60_000 });
  const first = buffer.push([row("a")], 5);
  (await nextJob()).done.resolve();
  await first;
  const second = buffer.push([row("b")], 5); // would linger for a minute
  const closed = buffer[Symbol.asyncDispose]();
  (await nextJob()).done.resolve();
  await Promise.all([second, closed]);
});
