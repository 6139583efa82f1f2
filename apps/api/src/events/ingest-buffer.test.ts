import type { JobInput } from "@millrace/jobs";
import { expect, test } from "vitest";
import { createIngestBuffer } from "./ingest-buffer.ts";

type Payload = JobInput<"importEvents">;

function bufferWith(options: { maxJobLength?: number; lingerMs?: number; maxPendingLength?: number } = {}) {
  const jobs: { payload: Payload; done: PromiseWithResolvers<string> }[] = [];
  const added: (() => void)[] = [];
  const buffer = createIngestBuffer({
    add: (payload) => {
      const done = Promise.withResolvers<string>();
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

const from = { receivedAt: 5, requestId: "r" };
const row = (text: string, month = "2026-11") => ({ row: `${text}\n`, month });

test("requests of one moment share a job, and each is answered only when Redis has it", async () => {
  const { buffer, nextJob } = bufferWith();
  let answered = 0;
  const requests = ["a", "b", "c"].map((text) =>
    buffer.push([row(text)], { ...from, requestId: `request-${text}` }).then((ids) => {
      answered += 1;
      return ids;
    }),
  );
  const job = await nextJob();
  expect(job.payload).toEqual({
    rows: "a\nb\nc\n",
    count: 3,
    months: ["2026-11"],
    receivedAt: 5,
    requests: ["request-a", "request-b", "request-c"],
  });
  expect(answered).toBe(0);
  job.done.resolve("7");
  expect(await Promise.all(requests)).toEqual([["7"], ["7"], ["7"]]);
  expect(answered).toBe(3);
});

test("a large request is cut into jobs below the limit and waits for all of them", async () => {
  const { buffer, nextJob } = bufferWith({ maxJobLength: 10 });
  const request = buffer.push([row("aaaa"), row("bbbb"), row("cccc", "2026-12")], from);
  const [first, second] = [await nextJob(), await nextJob()];
  expect(first.payload).toMatchObject({ rows: "aaaa\nbbbb\n", count: 2, months: ["2026-11"] });
  expect(second.payload).toMatchObject({ rows: "cccc\n", count: 1, months: ["2026-12"] });
  first.done.resolve("1");
  second.done.reject(new Error("Redis went away"));
  await expect(request).rejects.toMatchObject({ status: 503, code: "queue_unavailable" });
});

test("with too much on its way to Redis a request is refused at once, and taken again later", async () => {
  const { buffer, nextJob } = bufferWith({ maxPendingLength: 3 });
  const first = buffer.push([row("aaaa")], from);
  await expect(buffer.push([row("b")], from)).rejects.toMatchObject({ status: 503, code: "overloaded" });
  (await nextJob()).done.resolve("1");
  await first;
  const second = buffer.push([row("b")], from);
  (await nextJob()).done.resolve("1");
  await second;
});

test("closing sends what waits and resolves when Redis has it", async () => {
  const { buffer, nextJob } = bufferWith({ lingerMs: 60_000 });
  const first = buffer.push([row("a")], from);
  (await nextJob()).done.resolve("1");
  await first;
  const second = buffer.push([row("b")], from); // would linger for a minute
  const closed = buffer[Symbol.asyncDispose]();
  (await nextJob()).done.resolve("1");
  await Promise.all([second, closed]);
});

test("a job names the first few of its requests, so that it stays as small as it is", async () => {
  const { buffer, nextJob } = bufferWith();
  for (let n = 0; n < 100; n += 1) buffer.push([row("a"), row("b")], { ...from, requestId: `${n}` });
  const { payload } = await nextJob();
  expect(payload.count).toBe(200);
  expect(payload.requests).toEqual(Array.from({ length: 32 }, (_, n) => `${n}`));
});
