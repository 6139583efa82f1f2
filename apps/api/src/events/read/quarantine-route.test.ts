import { type Db, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { createReadApi, storeEvents, testEvent } from "./test-api.ts";

const quarantine = statement<[], never>(
  "test.quarantine_events",
  `INSERT INTO telemetry_events_quarantine (id, source, type, time, data, received_at, reason)
   SELECT n::text, '/s' || n % 2, 'old', '1970-01-01T00:00:00Z'::timestamptz + moment * interval '1 microsecond', '{"n": 1.50}',
          '2026-11-23T12:00:00Z'::timestamptz + n % 3 * interval '1 microsecond', 'outside_accepted_window'
     FROM generate_series(1, 9) n, generate_series(0, 1) moment`,
);

interface Page {
  readonly quarantined: { reason: string; event: { id: string; source: string; time: string; receivedat: string } }[];
  readonly next: string | null;
}

test("quarantined events are listed whole with their reason, the last received first", async () => {
  await using world = await quarantined();
  const { quarantined: all } = await world.page("/v1/quarantine?source=/s1&limit=1");
  expect(all).toEqual([
    {
      reason: "outside_accepted_window",
      event: {
        specversion: "1.0",
        id: "5",
        source: "/s1",
        type: "old",
        time: "1970-01-01T00:00:00.000001Z",
        receivedat: "2026-11-23T12:00:00.000002Z",
        data: { n: 1.5 },
      },
    },
  ]);
});

test("the pages together have each event once, also those received at one moment", async () => {
  await using world = await quarantined();
  const keys: string[] = [];
  for (let next: string | null = "/v1/quarantine?limit=5"; next !== null; ) {
    const page: Page = await world.page(next);
    keys.push(...page.quarantined.map(({ event }) => `${event.receivedat} ${event.id} ${event.source} ${event.time}`));
    next = page.next;
  }
  expect(keys).toHaveLength(18);
  expect(keys).toEqual([...new Set(keys)].sort().reverse());
});

test("filters let through what they say", async () => {
  await using world = await quarantined();
  const count = async (query: string) => (await world.page(`/v1/quarantine?${query}`)).quarantined.length;
  expect(await count("source=/s0")).toBe(8);
  expect(await count("type=new")).toBe(0);
  expect(await count("from=1970-01-01T00:00:00.000001Z")).toBe(9);
  expect(await count("to=1970-01-01T00:00:00.000001Z&source=/s0")).toBe(4);
});

test("a cursor of the list of events is not taken", async () => {
  await using world = await quarantined();
  await storeEvents(world.db, [testEvent({ id: "1" }), testEvent({ id: "2" })]);
  const { next } = (await world.app.inject("/v1/events?limit=1")).json();
  const reply = await world.app.inject(String(next).replace("/v1/events", "/v1/quarantine"));
  expect(reply.json()).toMatchObject({ status: 400, type: "/problems/invalid_cursor" });
});

async function quarantined() {
  const database = await createTestDatabase();
  const { db }: { db: Db } = database;
  const app = createReadApi(db);
  await db.run(quarantine, []);
  return {
    app,
    db,
    async page(url: string): Promise<Page> {
      const reply = await app.inject(url);
      expect(reply.statusCode, reply.body).toBe(200);
      return reply.json();
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await database[Symbol.asyncDispose]();
    },
  };
}
