import { expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { MillraceError } from "./millrace-error.ts";
import { createEventStore } from "./testing/event-store.ts";
import { createFaultServer, type Fault, faults, type Reply } from "./testing/fault-server.ts";

const event = { source: "/shop", type: "order.paid" };
const manual = { key: "mr_key", lingerMs: 3_600_000, closeOn: [], retryBaseMs: 1 } as const;

test.each<[string, Fault | Reply]>([
  ...faults.filter((fault) => fault !== "slow").map((fault): [string, Fault] => [fault, fault]),
  ...[408, 425, 429, 500, 502, 503, 504].map((status): [string, Reply] => [`${status}`, { status }]),
])("after %s the very same events are sent again and stored once", async (_, fault) => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer, [fault, fault].values());
  const errors: MillraceError[] = [];
  await using client = createClient({
    ...manual,
    url: server.url,
    timeoutMs: 100,
    onError: (error) => errors.push(error),
  });
  client.send(event);
  client.send({ ...event, id: "1" });
  await client.flush();
  expect(client.stats()).toMatchObject({ accepted: 2, queued: 0, retries: 2 });
  expect(store.events.size).toBe(2);
  expect(errors).toHaveLength(2);
  for (const error of errors) expect(error.isRetryable).toBe(true);
  const [first, ...others] = server.requests;
  for (const other of others) expect(other.body).toEqual(first?.body);
});

test("a server that is not there yet is waited for", async () => {
  let url = "";
  {
    await using server = await createFaultServer(createEventStore().answer);
    url = server.url;
  }
  const failed = Promise.withResolvers<MillraceError>();
  const client = createClient({ ...manual, url, onError: failed.resolve, onDropped: () => {} });
  client.send(event);
  void client.flush();
  expect(await failed.promise).toMatchObject({ code: "network", message: expect.stringContaining("ECONNREFUSED") });
  expect(await client.close({ timeoutMs: 0 })).toMatchObject({ dropped: 1 });
});

test("no request comes before the server said, on any of the connections", async () => {
  const store = createEventStore();
  const arrivals: number[] = [];
  await using server = await createFaultServer((request) => {
    arrivals.push(performance.now());
    return store.answer(request);
  }, [{ status: 503, headers: { "retry-after": "1" } }].values());
  const failed = Promise.withResolvers<unknown>();
  await using client = createClient({ ...manual, url: server.url, maxInFlight: 4, onError: failed.resolve });
  client.send(event);
  const first = client.flush();
  await failed.promise;
  const failedAt = performance.now();
  client.send(event);
  await Promise.all([first, client.flush()]);
  expect(store.events.size).toBe(2);
  expect(Math.min(...arrivals) - failedAt).toBeGreaterThanOrEqual(950); // of a second, less what telling it took
});

test("a limit that an accepted request has used up is waited for", async () => {
  const store = createEventStore();
  const arrivals: number[] = [];
  await using server = await createFaultServer((request) => {
    arrivals.push(performance.now());
    return { ...store.answer(request), headers: { ratelimit: '"default";r=0;t=1' } };
  });
  await using client = createClient({ ...manual, url: server.url });
  client.send(event);
  await client.flush();
  client.send(event);
  await client.flush();
  const [first = 0, second = 0] = arrivals;
  expect(second - first).toBeGreaterThanOrEqual(990);
  expect(client.stats()).toMatchObject({ accepted: 2, retries: 0 });
});

test("tries end where they are told to, and the next batch goes on", async () => {
  const store = createEventStore();
  const schedule = [{ status: 500 }, { status: 500 }, "reset before", { status: 503 }] as const;
  await using server = await createFaultServer(store.answer, schedule.values());
  const dropped: unknown[] = [];
  await using client = createClient({
    ...manual,
    url: server.url,
    maxServerErrors: 2,
    onError: () => {},
    onDropped: ({ id }, reason) => dropped.push([id, reason]),
  });
  client.send({ ...event, id: "poison" });
  await client.flush();
  expect(dropped).toEqual([["poison", "attempts"]]);
  client.send({ ...event, id: "patient" });
  await client.flush();
  expect([...store.events.values()]).toMatchObject([{ id: "patient" }]);
  expect(dropped).toHaveLength(1);
});

test("a refused key stops the sending, keeps the events, and says so once", async () => {
  const store = createEventStore();
  let right = "new";
  await using server = await createFaultServer((request) =>
    request.headers.authorization === `Bearer ${right}`
      ? store.answer(request)
      : { status: 401, body: { detail: "no" } },
  );
  const errors: MillraceError[] = [];
  let key = "old";
  await using client = createClient({
    ...manual,
    key: async () => key,
    url: server.url,
    maxBatchEvents: 2,
    onError: (error) => errors.push(error),
  });
  for (let sent = 0; sent < 10; sent += 1) client.send(event);
  expect(await client.flush()).toMatchObject({ queued: 10 });
  expect(errors).toMatchObject([{ code: "key_refused", status: 401, isRetryable: false }]);
  expect(server.requests).toHaveLength(1);

  key = "new";
  expect(await client.flush()).toMatchObject({ queued: 0, accepted: 10 });
  expect(errors).toHaveLength(1);
  right = "another";
  client.send(event);
  expect(await client.flush()).toMatchObject({ queued: 1 });
  right = "new";
});

test("a refused key is asked about again by itself after a while", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer, [{ status: 403 }, { status: 302 }].values());
  const codes: string[] = [];
  await using client = createClient({
    ...manual,
    lingerMs: 0,
    refusedRetryMs: 1,
    url: server.url,
    onError: ({ code }) => codes.push(code),
  });
  client.send(event);
  await server.received(3);
  await client.flush();
  expect(store.events.size).toBe(1);
  expect(codes).toEqual(["key_refused", "url_refused"]);
});

test("a key that cannot be had is tried again, one that no header can carry is refused", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer);
  const keys = [() => Promise.reject(new Error("vault sealed")), () => "two\nlines", () => "right"];
  const errors: MillraceError[] = [];
  await using client = createClient({
    ...manual,
    key: () => keys.shift()?.() ?? "right",
    url: server.url,
    onError: (error) => errors.push(error),
  });
  client.send(event);
  await client.flush();
  await client.flush();
  expect(errors).toMatchObject([{ code: "key_unavailable", isRetryable: true }, { code: "key_refused" }]);
  expect(errors[0]?.message).toContain("vault sealed");
  expect(store.events.size).toBe(1);
});
