import { type Db, statement } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { copyRowOf } from "@millrace/events";
import { connectQueues } from "@millrace/jobs";
import Fastify from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { expect, test } from "vitest";
import { problemOf, sendProblem } from "../http/problem.ts";
import { registerDeadLetters } from "./dead-letter-routes.ts";

const received = "2026-11-23T10:00:00.000Z";
const insert = statement<[reason: string, payload: string, created: string], { id: string }>(
  "test.insert_dead_letter",
  `INSERT INTO dead_letters (queue, job_name, reason_code, sqlstate, message, payload, created_at)
   VALUES ('ingest', 'events.import', $1, '22P05', 'unsupported Unicode escape sequence', $2, $3) RETURNING id`,
);

async function addLetter(db: Db, id: string, { reason = "refused_by_database", created = received } = {}) {
  const event = { id, source: "/s", type: "t", time: received, dataJson: '{"a":"\\u0000"}' };
  const [row] = await db.rows(insert, [reason, copyRowOf(event, received), created]);
  return row?.id ?? "";
}

test("letters are listed newest first, page by page, with the event that was refused", async () => {
  await using api = await startApi();
  for (const n of [1, 2, 3]) await addLetter(api.db, `event-${n}`, { created: `2026-11-2${n}T00:00:00Z` });
  const first = await api.call("GET", "/v1/dead-letters?limit=2");
  expect(first.body.deadletters.map(({ event }: { event: { id: string } }) => event.id)).toEqual([
    "event-3",
    "event-2",
  ]);
  expect(first.body.deadletters[0]).toMatchObject({
    reason: "refused_by_database",
    sqlstate: "22P05",
    attempts: 1,
    redrivenat: null,
    event: { source: "/s", type: "t", time: received, data: { a: "\u0000" } },
  });
  const second = await api.call("GET", first.body.next);
  expect(second.body).toMatchObject({ deadletters: [{ event: { id: "event-1" } }], next: null });
  const { id } = second.body.deadletters[0];
  expect((await api.call("GET", `/v1/dead-letters/${id}`)).body).toEqual(second.body.deadletters[0]);
  expect((await api.call("GET", "/v1/dead-letters?reason=another")).body.deadletters).toEqual([]);
});

test("a redriven letter's very row is in the queue again, and the letter says so", async () => {
  await using api = await startApi();
  const id = await addLetter(api.db, "event-1");
  expect(await api.call("POST", `/v1/dead-letters/${id}/redrive`)).toMatchObject({
    status: 200,
    body: { redriven: 1 },
  });
  expect(api.enqueued).toEqual([
    expect.objectContaining({ count: 1, months: ["2026-11"], rows: expect.stringMatching(/^event-1\t\/s\tt\t/) }),
  ]);
  expect((await api.call("GET", "/v1/dead-letters?state=waiting")).body.deadletters).toEqual([]);
  expect((await api.call("GET", "/v1/dead-letters?state=redriven")).body.deadletters).toHaveLength(1);
});

test("an edited event takes the place of the refused one and keeps its name and time", async () => {
  await using api = await startApi();
  const id = await addLetter(api.db, "event-1");
  const path = `/v1/dead-letters/${id}/redrive`;
  const refused = await api.call("POST", path, { event: { type: "t", data: "\u0000" } });
  expect(refused).toMatchObject({ status: 422, body: { type: "/problems/unstorable_character" } });
  expect(api.enqueued).toEqual([]);
  expect((await api.call("POST", path, { event: { type: "fixed", data: { a: 1 } } })).status).toBe(200);
  const rows = `event-1\t/s\tfixed\t\\N\t${received}\t{"a":1}\t\\N\t${received}\n`;
  expect(api.enqueued).toMatchObject([{ rows }]);
});

test("all that wait are redriven in one job; those that nobody could read are left", async () => {
  await using api = await startApi();
  await addLetter(api.db, "event-1");
  await addLetter(api.db, "event-2");
  const unreadable = await addLetter(api.db, "event-3", { reason: "payload_invalid" });
  expect((await api.call("POST", "/v1/dead-letters/redrive", { all: true })).body).toEqual({
    redriven: 2,
    more: false,
  });
  expect(api.enqueued).toHaveLength(1);
  expect((await api.call("POST", "/v1/dead-letters/redrive", { all: true })).body).toEqual({
    redriven: 0,
    more: false,
  });
  expect(await api.call("POST", `/v1/dead-letters/${unreadable}/redrive`)).toMatchObject({ status: 422 });
});

test("letters are deleted one by one, by what they have in common, and never all by mistake", async () => {
  await using api = await startApi();
  const id = await addLetter(api.db, "event-1");
  await addLetter(api.db, "event-2", { created: "2026-01-01T00:00:00Z" });
  await addLetter(api.db, "event-3");
  expect((await api.call("DELETE", `/v1/dead-letters/${id}`)).body).toEqual({ purged: 1 });
  expect((await api.call("DELETE", `/v1/dead-letters/${id}`)).status).toBe(404);
  expect((await api.call("POST", "/v1/dead-letters/purge", {})).status).toBe(400);
  const old = { all: true, before: "2026-06-01T00:00:00Z" };
  expect((await api.call("POST", "/v1/dead-letters/purge", old)).body).toEqual({ purged: 1, more: false });
  expect((await api.call("GET", "/v1/dead-letters")).body.deadletters).toHaveLength(1);
});

async function startApi() {
  await using parts = new AsyncDisposableStack();
  const { db } = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const queues = parts.use(await connectQueues({ ...redis, onError: () => {} }));
  const enqueued: unknown[] = [];
  const app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  registerDeadLetters(app, {
    db,
    queues: {
      enqueue: async (key, payload) => {
        enqueued.push(payload);
        return await queues.enqueue(key, payload);
      },
    },
  });
  parts.defer(() => app.close());
  const running = parts.move();
  return {
    db,
    enqueued,
    async call(method: "GET" | "POST" | "DELETE", url: string, body?: object) {
      const reply = await app.inject({
        method,
        url,
        ...(body === undefined
          ? {}
          : { headers: { "content-type": "application/json" }, payload: JSON.stringify(body) }),
      });
      return { status: reply.statusCode, body: reply.json() };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
