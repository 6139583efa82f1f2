import fc from "fast-check";
import { expect, test } from "vitest";
import { createClient } from "./client.ts";
import { createEventStore } from "./testing/event-store.ts";
import { createFaultServer, faults, type Reply } from "./testing/fault-server.ts";

const replies: Reply[] = [
  { status: 503, headers: { "retry-after": "0" } },
  { status: 429, headers: { ratelimit: '"default";r=0;t=0' } },
  { status: 500 },
  { status: 401 },
  { status: 413 },
  { status: 404 },
  { status: 202, body: { accepted: 1_000_000, rejected: [] } },
];

const cases = fc.record({
  schedule: fc.array(fc.constantFrom(...faults, ...replies, undefined), { maxLength: 8 }),
  areBad: fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
  overflow: fc.constantFrom("drop-oldest", "drop-newest", "block", "error"),
  isAwaited: fc.boolean(),
  closesEarly: fc.boolean(),
  options: fc.record({
    maxBatchEvents: fc.integer({ min: 1, max: 12 }),
    maxBatchBytes: fc.integer({ min: 1, max: 2_000 }),
    maxInFlight: fc.integer({ min: 1, max: 3 }),
    maxBufferEvents: fc.integer({ min: 1, max: 40 }),
    maxAttempts: fc.constantFrom(1, 3, Number.POSITIVE_INFINITY),
    gzipMinBytes: fc.constantFrom(0, 300, Number.POSITIVE_INFINITY),
    lingerMs: fc.constantFrom(0, 1, 1_000),
  }),
});

test("whatever the faults, each event is accepted, rejected or dropped once, and what is accepted is stored", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ schedule, areBad, overflow, isAwaited, closesEarly, options }) => {
      const store = createEventStore({ maxEvents: 8 });
      await using server = await createFaultServer(store.answer, schedule.values());
      const outcomes = new Map<string, string[]>(areBad.map((_, index) => [`${index}`, []]));
      const note = (id: unknown, outcome: string): unknown => outcomes.get(String(id))?.push(outcome);
      const client = createClient({
        url: server.url,
        key: "k",
        overflow,
        ...options,
        timeoutMs: 60,
        retryBaseMs: 1,
        retryMaxMs: 4,
        refusedRetryMs: 1,
        closeOn: [],
        onRejected: ({ id }) => note(id, "rejected"),
        onDropped: ({ id }) => note(id, "dropped"),
        onError: () => {},
      });

      for (const [index, isBad] of areBad.entries()) {
        const sending = client.send({ source: "/law", type: "t", id: `${index}`, ...(isBad ? { data: "bad" } : {}) });
        if (isAwaited) await sending.catch(() => {});
      }
      while (!closesEarly && (await client.flush()).queued > 0); // it ends early at each refusal
      const stats = await client.close({ timeoutMs: closesEarly ? 5 : 10_000 });

      const told = [...outcomes.values()].flat();
      const storedIds = new Set(store.events.values().map(({ id }) => id));
      const silent = [...outcomes].filter(([, { length }]) => length === 0).map(([id]) => id);
      expect(Math.max(...outcomes.values().map(({ length }) => length))).toBeLessThanOrEqual(1);
      expect(silent.filter((id) => !storedIds.has(id))).toEqual([]);
      expect(store.events.size).toBe(storedIds.size);
      expect(stats).toEqual({
        sent: areBad.length,
        queued: 0,
        accepted: silent.length,
        rejected: told.filter((outcome) => outcome === "rejected").length,
        dropped: told.filter((outcome) => outcome === "dropped").length,
        retries: stats.retries,
      });
      const hasRoomAndTime = options.maxBufferEvents >= areBad.length && !closesEarly;
      if (hasRoomAndTime && options.maxAttempts === Number.POSITIVE_INFINITY) expect(stats.dropped).toBe(0);
    }),
    { numRuns: 150 },
  );
}, 120_000);
