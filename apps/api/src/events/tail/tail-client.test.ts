import { expect, test } from "vitest";
import { createTailClient, type TailLimits } from "./tail-client.ts";

/** A client that nobody reads, and a clock that stands still until it is moved. */
function openClient(limits: Partial<TailLimits> = {}) {
  const clock = { ms: 0 };
  const client = createTailClient(
    { maxEventsPerSecond: 1_000, maxWaitingBytes: 10_000, stallMs: 60_000, heartbeatMs: 15_000, ...limits },
    () => clock.ms,
  );
  /** What waits for the client; it takes all of it. */
  const read = (): string => String(client.stream.read() ?? "");
  return { client, clock, read };
}

const event = (length: number) => () => "x".repeat(length);

test("what waits for a client that does not read is bounded; the rest is counted and told when it reads again", () => {
  const { client, read } = openClient();
  for (let n = 0; n < 500; n += 1) client.send(event(3_000));
  client.tick();
  expect(client.stream.readableLength).toBe(12_000);

  read();
  client.tick();
  expect(read()).toBe('event: dropped\ndata: {"count":496,"slow":496,"rate":0,"sampled":0}\n\n');
  client.tick();
  expect(read()).toBe("");
});

test("an event that is dropped is never written as text", () => {
  const { client } = openClient({ maxEventsPerSecond: 1 });
  let written = 0;
  const text = (): string => {
    written += 1;
    return "x";
  };
  for (let n = 0; n < 5; n += 1) client.send(text);
  expect(written).toBe(1);
});

test("a client gets no more events a second than it may, and learns how many there were", () => {
  const { client, clock, read } = openClient({ maxEventsPerSecond: 10 });
  for (let n = 0; n < 25; n += 1) client.send(event(1));
  expect(read()).toHaveLength(10);
  client.drop("sampled", 7);
  client.tick();
  expect(read()).toContain('{"count":22,"slow":0,"rate":15,"sampled":7}');

  clock.ms += 500;
  for (let n = 0; n < 25; n += 1) client.send(event(1));
  expect(read()).toHaveLength(5);
});

test("a comment is sent when nothing else was for a while, and only to a client that reads", () => {
  const { client, clock, read } = openClient({ heartbeatMs: 15_000 });
  client.send(event(1));
  clock.ms += 15_000;
  client.tick();
  expect(read()).toBe("x");
  client.tick();
  expect(read()).toBe(":\n\n");
  client.tick();
  expect(read()).toBe("");
});

test("a client that takes nothing for a minute is cut off; one that takes a little, or has nothing to take, is not", () => {
  const reading = openClient();
  const silent = openClient({ heartbeatMs: Number.POSITIVE_INFINITY });
  const stalled = openClient();
  for (const { client } of [reading, stalled]) client.send(event(5_000));
  for (let second = 0; second < 120; second += 1) {
    for (const { client, clock } of [reading, silent, stalled]) {
      clock.ms += 1_000;
      client.tick();
    }
    if (second % 50 === 0) reading.client.stream.read(10);
  }
  expect([reading, silent, stalled].map(({ client }) => client.stream.destroyed)).toEqual([false, false, true]);
});

test("what comes after the end is not sent, and does no harm", async () => {
  const { client } = openClient();
  client.send(event(1));
  client.end();
  client.send(event(1));
  client.tell("x");
  client.tick();
  expect((await client.stream.toArray()).map(String)).toEqual(["x"]);
});
