import { createTestRedis } from "@millrace/embedded/testing";
import { connectQueues, type Queues } from "@millrace/jobs";
import { expect, test } from "vitest";
import { createIdempotency } from "./idempotency.ts";
import { createIngestApp } from "./testing/ingest-app.ts";

const events = JSON.stringify([{ source: "/s", type: "a" }, { source: "/s", type: "b" }, { source: "/s" }]);
const answer = { accepted: 2, rejected: [expect.objectContaining({ index: 2, code: "missing_attribute" })] };

test("requests with one key have one answer, and their events go into the queue once", async () => {
  await using api = await startApi();
  const first = await api.post(events, "key-1");
  expect(first).toMatchObject({ status: 202, body: answer, replayed: undefined });
  expect(await api.post(events, "key-1")).toEqual({ ...first, replayed: "true" });
  expect(api.pushed).toHaveLength(2);
  await api.post(events, "key-2");
  await api.post(events, "key-1", "another sender");
  expect(new Set(api.pushed).size).toBe(6);
});

test("after a crash in between, or beside each other, requests with one key make the very same rows", async () => {
  await using api = await startApi();
  api.failNextPush();
  expect(await api.post(events, "key")).toMatchObject({ status: 503 });
  const [one, other] = await Promise.all([api.post(events, "key"), api.post(events, "key")]);
  expect([one.status, other.status]).toEqual([202, 202]);
  expect(api.pushed.length % 2).toBe(0);
  expect(new Set(api.pushed).size).toBe(2);
});

test("a key is for one body, and must be a key", async () => {
  await using api = await startApi();
  await api.post(events, "key");
  const other = await api.post(JSON.stringify({ source: "/s", type: "c" }), "key");
  expect(other).toMatchObject({ status: 422, body: { type: "/problems/idempotency_key_reused" } });
  expect(await api.post(events, "x".repeat(256))).toMatchObject({
    status: 400,
    body: { type: "/problems/invalid_idempotency_key" },
  });
});

test("while the queue is away nobody is told that a key was new", async () => {
  const away: Queues["notes"] = {
    keepOnce: () => Promise.reject(new Error("away")),
    read: async () => undefined,
    replace: () => Promise.reject(new Error("away")),
  };
  await using api = await startApi(away);
  expect(await api.post(events, "key")).toMatchObject({ status: 503, body: { type: "/problems/queue_unavailable" } });
});

async function startApi(notes?: Queues["notes"]) {
  await using parts = new AsyncDisposableStack();
  const redis = parts.use(await createTestRedis());
  const queues = parts.use(await connectQueues({ ...redis, onError: () => {} }));
  const pushed: string[] = [];
  let isFailing = false;
  const app = parts.use(
    await createIngestApp({
      idempotency: createIdempotency(notes ?? queues.notes),
      push: async (rows) => {
        if (isFailing) {
          isFailing = false;
          throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        }
        pushed.push(...rows.map(({ row }) => row));
      },
    }),
  );
  const running = parts.move();
  return {
    pushed,
    failNextPush: () => {
      isFailing = true;
    },
    async post(payload: string, key: string, sender = "me") {
      const headers = { "content-type": "application/json", "idempotency-key": key, "x-sender": sender };
      const reply = await app.inject({ method: "POST", url: "/v1/events", headers, payload });
      return { status: reply.statusCode, body: reply.json(), replayed: reply.headers["idempotency-replayed"] };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
