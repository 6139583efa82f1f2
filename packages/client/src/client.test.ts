import { expect, expectTypeOf, test } from "vitest";
import { createClient } from "./client.ts";
import type { MillraceEvent } from "./event.ts";
import { createEventStore } from "./testing/event-store.ts";
import { createFaultServer } from "./testing/fault-server.ts";

const event = { source: "/shop", type: "order.paid" };
/** Nothing leaves by itself, and failures are soon tried again. */
const manual = { key: "mr_key", lingerMs: 3_600_000, closeOn: [], retryBaseMs: 1, onError: () => {} } as const;
const idsOf = (events: Iterable<MillraceEvent>): unknown[] => [...events].map(({ id }) => id);
const numbered = (count: number): MillraceEvent[] =>
  Array.from({ length: count }, (_, at) => ({ ...event, id: `${at}` }));

test("three lines are enough", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer);

  const millrace = createClient({ url: server.url, key: "mr_key" });
  millrace.send({ source: "/shop", type: "order.paid", data: { total: 12 } });
  const stats = await millrace.close();

  expect(stats).toEqual({ sent: 1, queued: 0, accepted: 1, rejected: 0, dropped: 0, retries: 0 });
  expect([...store.events.values()]).toMatchObject([{ source: "/shop", type: "order.paid", data: { total: 12 } }]);
  expect(server.requests[0]).toMatchObject({
    method: "POST",
    path: "/v1/events",
    headers: { authorization: "Bearer mr_key", "content-type": "application/x-ndjson" },
  });
});

test("await using flushes", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer);
  {
    await using client = createClient({ ...manual, url: `${server.url}/behind/a/proxy/` });
    client.send(event);
  }
  expect(store.events.size).toBe(1);
  expect(server.requests[0]?.path).toBe("/behind/a/proxy/v1/events");
});

test("an event is sent as it was when send() was called", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer);
  await using client = createClient({ ...manual, url: server.url });
  const data = { total: 1 };
  client.send({ ...event, data });
  data.total = 2;
  await client.flush();
  expect([...store.events.values()]).toMatchObject([{ data: { total: 1 } }]);
});

test("a request leaves with enough events, with enough bytes, and after the linger time", async () => {
  await using server = await createFaultServer(createEventStore().answer);
  {
    await using client = createClient({ ...manual, url: server.url, maxBatchEvents: 3 });
    for (const one of numbered(7)) client.send(one);
    await server.received(2);
    expect(server.requests.map(({ events }) => events.length)).toEqual([3, 3]);
    expect(client.stats()).toMatchObject({ sent: 7, dropped: 0 });
  }
  {
    await using client = createClient({ ...manual, url: server.url, maxBatchBytes: 500 });
    for (const one of numbered(7)) client.send({ ...one, data: "x".repeat(100) });
    await server.received(5);
    for (const { body } of server.requests.slice(3)) expect(body.length).toBeLessThanOrEqual(500);
  }
  await using client = createClient({ ...manual, url: server.url, lingerMs: 1 });
  const before = server.requests.length;
  client.send(event);
  await server.received(before + 1);
  client.send(event);
  await server.received(before + 2);
});

test("large bodies are compressed, small ones are not", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer);
  await using client = createClient({ ...manual, url: server.url, gzipMinBytes: 1_000 });
  await client.send(event);
  await client.flush();
  await client.send({ ...event, data: "x".repeat(1_000) });
  await client.flush();
  expect(server.requests.map(({ headers }) => headers["content-encoding"])).toEqual([undefined, "gzip"]);
  expect(server.requests[1]?.body.length).toBeLessThan(500);
  expect(store.events.size).toBe(2);
});

test("with one request under way events arrive in order, whatever the faults", async () => {
  const store = createEventStore({ maxEvents: 2 });
  const schedule = ["reset after", undefined, { status: 503 }, "half an answer", undefined, "reset before"] as const;
  await using server = await createFaultServer(store.answer, schedule.values());
  await using client = createClient({ ...manual, url: server.url, maxBatchEvents: 5 });
  for (const one of numbered(23)) client.send(one);
  await client.flush();
  expect(idsOf(store.events.values())).toEqual(idsOf(numbered(23)));
});

test("no more requests are under way than allowed", async () => {
  const store = createEventStore();
  const three = Promise.withResolvers<void>();
  let underWay = 0;
  let most = 0;
  await using server = await createFaultServer(async (request) => {
    underWay += 1;
    most = Math.max(most, underWay);
    if (underWay === 3) three.resolve();
    await three.promise;
    await new Promise(setImmediate);
    underWay -= 1;
    return store.answer(request);
  });
  await using client = createClient({ ...manual, url: server.url, maxBatchEvents: 2, maxInFlight: 3 });
  for (const one of numbered(100)) client.send(one);
  await client.flush();
  expect(store.events.size).toBe(100);
  expect(most).toBe(3);
});

test("rejected events are reported with their attributes and never sent again", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer, [undefined, { status: 422 }].values());
  const rejected: unknown[] = [];
  await using client = createClient({
    ...manual,
    url: server.url,
    onRejected: ({ id }, { code }) => rejected.push([id, code]),
  });
  for (const one of numbered(3)) client.send({ ...one, data: one.id === "1" ? "bad" : 1 });
  await client.flush();
  await client.send({ ...event, id: "all" });
  await client.flush();
  await client.send({ ...event, id: "big", data: 1n });
  expect(rejected).toEqual([
    ["1", "invalid_event"],
    ["all", "http_422"],
    ["big", "not_serialisable"],
  ]);
  expect(idsOf(store.events.values())).toEqual(["0", "2"]);
  expect(client.stats()).toEqual({ sent: 5, queued: 0, accepted: 2, rejected: 3, dropped: 0, retries: 0 });
  expect(server.requests).toHaveLength(2);
});

test("a request that is too large is halved; one event that is too large is rejected", async () => {
  const store = createEventStore();
  const limit = 1_000;
  await using server = await createFaultServer((request) =>
    request.body.length > limit
      ? { status: 413, body: { type: "/problems/body_too_large", detail: "Too large" } }
      : store.answer(request),
  );
  const rejected: unknown[] = [];
  await using client = createClient({
    ...manual,
    url: server.url,
    gzipMinBytes: Number.POSITIVE_INFINITY,
    onRejected: ({ id }, rejection) => rejected.push([id, rejection]),
  });
  for (const one of numbered(40)) client.send({ ...one, data: "x".repeat(one.id === "21" ? limit : 50) });
  await client.flush();
  expect(rejected).toEqual([["21", { code: "body_too_large", message: "Too large" }]]);
  expect(idsOf(store.events.values())).toEqual(idsOf(numbered(40)).filter((id) => id !== "21"));
});

test("typed events know their data", () => {
  const client = createClient<{ "order.paid": { total: number }; ping: undefined }>({
    url: "http://localhost",
    key: "k",
  });
  type Sent = Parameters<typeof client.send>[0];
  expectTypeOf<{ source: string; type: "order.paid"; data: { total: number } }>().toExtend<Sent>();
  expectTypeOf<{ source: string; type: "ping" }>().toExtend<Sent>();
  expectTypeOf<{ source: string; type: "order.paid" }>().not.toExtend<Sent>();
  expectTypeOf<{ source: string; type: "order.paid"; data: { total: string } }>().not.toExtend<Sent>();
  expectTypeOf<{ source: string; type: "pong" }>().not.toExtend<Sent>();
});

test.each([
  [{ url: "millrace.example.com" }, "url must begin with http"],
  [{ url: "ftp://millrace.example.com" }, "url must begin with http"],
  [{ url: "http://me:secret@localhost" }, "give key instead"],
  [{ key: "" }, "key must be"],
  [{ key: "two words" }, "key must be"],
  [{ maxBatchEvents: 0 }, "maxBatchEvents must be"],
  [{ lingerMs: Number.NaN }, "lingerMs must be"],
  [{ retryBaseMs: -1 }, "retryBaseMs must be"],
])("%j is refused at once", (wrong, message) => {
  const creating = () => createClient({ url: "http://localhost", key: "k", ...wrong });
  expect(creating).toThrow(expect.objectContaining({ name: "MillraceError", code: "invalid_options" }));
  expect(creating).toThrow(message);
});
