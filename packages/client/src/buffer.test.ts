import { expect, test } from "vitest";
import { createClient } from "./client.ts";
import { createEventStore } from "./testing/event-store.ts";
import { createFaultServer } from "./testing/fault-server.ts";

const manual = { key: "mr_key", lingerMs: 3_600_000, closeOn: [], retryBaseMs: 1, onError: () => {} } as const;
const event = (id: number) => ({ source: "/shop", type: "order.paid", id: `${id}` });

/** A server that answers nothing until it is opened. */
async function createGate() {
  const store = createEventStore();
  const gate = Promise.withResolvers<void>();
  const server = await createFaultServer(async (request) => {
    await gate.promise;
    return store.answer(request);
  });
  return {
    url: server.url,
    received: server.received,
    open: gate.resolve,
    stored: () => [...store.events.values()].map(({ id }) => Number(id)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test.each([
  ["drop-oldest", [2, 3], [0, 1, 4, 5]],
  ["drop-newest", [4, 5], [0, 1, 2, 3]],
  ["error", [4, 5], [0, 1, 2, 3]],
] as const)("a full buffer with %s drops %j, never what is on its way", async (overflow, gone, kept) => {
  await using gate = await createGate();
  const dropped: unknown[] = [];
  await using client = createClient({
    ...manual,
    url: gate.url,
    overflow,
    maxBatchEvents: 2,
    maxBufferEvents: 4,
    onDropped: ({ id }, reason) => dropped.push([Number(id), reason]),
  });
  client.send(event(0));
  client.send(event(1));
  await gate.received(1);
  const sent = [2, 3, 4, 5].map((id) => client.send(event(id)));
  const settled = await Promise.allSettled(sent);
  const refused = settled.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  expect(refused).toMatchObject(overflow === "error" ? [{ code: "event_refused" }, { code: "event_refused" }] : []);
  expect(dropped).toEqual(gone.map((id) => [id, "overflow"]));
  gate.open();
  expect(await client.flush()).toMatchObject({ sent: 6, accepted: 4, dropped: 2, queued: 0 });
  expect(gate.stored()).toEqual(kept);
});

test("with block, senders that wait bound the memory, lose nothing and keep their order", async () => {
  await using gate = await createGate();
  await using client = createClient({ ...manual, url: gate.url, overflow: "block", maxBufferEvents: 3 });
  let through = 0;
  const sending = (async () => {
    for (let id = 0; id < 50; id += 1) {
      await client.send(event(id));
      through += 1;
    }
  })();
  await gate.received(1);
  expect(through).toBe(3);
  gate.open();
  await sending;
  await client.flush();
  expect(gate.stored()).toEqual(Array.from({ length: 50 }, (_, id) => id));
});

test("with block, a flush includes the events that wait for room", async () => {
  await using gate = await createGate();
  await using client = createClient({ ...manual, url: gate.url, overflow: "block", maxBufferEvents: 2 });
  for (let id = 0; id < 9; id += 1) void client.send(event(id));
  gate.open();
  expect(await client.flush()).toMatchObject({ accepted: 9, queued: 0 });
});

test("with block, nobody waits for a server that refuses the key", async () => {
  await using server = await createFaultServer(() => ({ status: 401 }));
  const client = createClient({
    ...manual,
    url: server.url,
    overflow: "block",
    maxBufferEvents: 2,
    onDropped: () => {},
  });
  await Promise.all([0, 1, 2, 3].map((id) => client.send(event(id))));
  await client.send(event(4));
  expect(client.stats()).toMatchObject({ sent: 5, queued: 2, dropped: 3 });
  expect(await client.close()).toMatchObject({ queued: 0, dropped: 5 });
});

test("the buffer is bounded by bytes too, and an event beyond all of it is rejected", async () => {
  await using gate = await createGate();
  const outcomes: unknown[] = [];
  await using client = createClient({
    ...manual,
    url: gate.url,
    overflow: "drop-newest",
    maxBufferBytes: 1_000,
    onDropped: ({ id }) => outcomes.push([id, "dropped"]),
    onRejected: ({ id }, { code }) => outcomes.push([id, code]),
  });
  client.send({ ...event(0), data: "x".repeat(500) });
  client.send({ ...event(1), data: "x".repeat(500) });
  client.send({ ...event(2), data: "x".repeat(1_000) });
  gate.open();
  await client.flush();
  expect(outcomes).toEqual([
    ["1", "dropped"],
    ["2", "event_too_large"],
  ]);
  expect(gate.stored()).toEqual([0]);
});

test("close gives up at its deadline and tells of each event; later events are dropped", async () => {
  await using gate = await createGate();
  const dropped: unknown[] = [];
  const client = createClient({
    ...manual,
    url: gate.url,
    maxBatchEvents: 2,
    onDropped: ({ id }, reason) => dropped.push([Number(id), reason]),
  });
  for (const id of [0, 1, 2]) client.send(event(id));
  await gate.received(1);
  const closing = client.close({ timeoutMs: 10 });
  expect(client.close()).toBe(closing);
  expect(await closing).toEqual({ sent: 3, queued: 0, accepted: 0, rejected: 0, dropped: 3, retries: 0 });
  client.send(event(3));
  expect(dropped.toSorted()).toEqual([0, 1, 2, 3].map((id) => [id, "closed"]));
});

test("a flush ends at its deadline and leaves the events where they are", async () => {
  await using gate = await createGate();
  await using client = createClient({ ...manual, url: gate.url });
  client.send(event(0));
  expect(await client.flush({ timeoutMs: 10 })).toMatchObject({ queued: 1, dropped: 0 });
  gate.open();
  expect(await client.flush()).toMatchObject({ queued: 0, accepted: 1 });
});
