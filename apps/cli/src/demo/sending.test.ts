import { expect, test } from "vitest";
import type { DemoEvent } from "./demo-event.ts";
import { createTally, inBatches, sendAll } from "./sending.ts";

const eventOf = (id: number): DemoEvent => ({
  id: String(id),
  source: "/s",
  type: "t",
  time: "2026-11-24T00:00:00Z",
  data: {},
});

async function* batches(count: number): AsyncGenerator<DemoEvent[]> {
  for (let id = 0; id < count; id += 1) yield [eventOf(id)];
}

test("no more batches are under way, and none are taken early, than allowed", async () => {
  let underWay = 0;
  let most = 0;
  const tally = createTally();
  const api = {
    async send(events: readonly DemoEvent[]) {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return { accepted: events.length, rejected: [] };
    },
  };
  await sendAll(batches(20), { api, confirmation: { add: async () => {} }, tally, maxInFlight: 3 });
  expect([most, tally.sent, tally.accepted]).toEqual([3, 20, 20]);
});

test("rejected events are counted by code and not waited for", async () => {
  const tally = createTally();
  const added: string[] = [];
  const api = { send: async () => ({ accepted: 1, rejected: [{ index: 1, code: "invalid_time", message: "no" }] }) };
  const confirmation = {
    add: async (events: readonly DemoEvent[]) => {
      added.push(...events.map(({ id }) => id));
    },
  };
  const two = (async function* () {
    yield [eventOf(1), eventOf(2)];
    yield [eventOf(3), eventOf(4)];
  })();
  await sendAll(two, { api, confirmation, tally });
  expect(added).toEqual(["1", "3"]);
  expect(tally).toEqual({ sent: 4, accepted: 2, rejected: new Map([["invalid_time", { count: 2, message: "no" }]]) });
});

test("after a failure nothing more is sent, and it is thrown", async () => {
  let calls = 0;
  const api = {
    async send(): Promise<never> {
      calls += 1;
      throw new Error("gone");
    },
  };
  const sending = sendAll(batches(50), {
    api,
    confirmation: { add: async () => {} },
    tally: createTally(),
    maxInFlight: 2,
  });
  await expect(sending).rejects.toThrow("gone");
  expect(calls).toBeLessThanOrEqual(2);
});

test("batches are bounded by number and by length", async () => {
  async function* events(): AsyncGenerator<DemoEvent> {
    for (let id = 0; id < 5; id += 1) yield { ...eventOf(id), data: { message: "x".repeat(id === 3 ? 100 : 1) } };
  }
  const sizes = (await Array.fromAsync(inBatches(events(), { maxEvents: 3, maxLength: 90 }))).map(
    ({ length }) => length,
  );
  expect(sizes).toEqual([3, 1, 1]);
});
