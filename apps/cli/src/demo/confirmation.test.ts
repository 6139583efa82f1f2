import fc from "fast-check";
import { expect, test } from "vitest";
import type { z } from "zod";
import { createConfirmation, spansOf } from "./confirmation.ts";
import type { DemoEvent } from "./demo-event.ts";

const start = Date.UTC(2026, 10, 24);
const eventsFrom = (from: number, count: number): DemoEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `id-${from + index}`,
    source: "/s",
    type: "t",
    time: new Date(start + from + index).toISOString(),
    data: {},
  }));

/** The list of stored events as the API gives it, two on a page, newest first. */
function storedEvents() {
  const rows: { id: string; time: string; receivedat: string }[] = [];
  const quarantined: DemoEvent[] = [];
  return {
    quarantine(events: readonly DemoEvent[]) {
      quarantined.push(...events);
    },
    store(events: readonly DemoEvent[], receivedMs = start) {
      const receivedat = new Date(receivedMs).toISOString();
      rows.push(...events.map(({ id, time }) => ({ id, time, receivedat })));
    },
    async read<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
      const { pathname, searchParams: params } = new URL(path, "http://x");
      if (pathname === "/v1/quarantine") {
        return schema.parse({ quarantined: quarantined.map((event) => ({ reason: "r", event })), next: null });
      }
      const [from = "", to = ""] = [params.get("from") ?? "", params.get("to") ?? ""];
      const skipped = Number(params.get("cursor") ?? 0);
      const found = rows.filter(({ time }) => time >= from && time < to).toSorted((a, b) => (a.time < b.time ? 1 : -1));
      params.set("cursor", String(skipped + 2));
      const next = found.length > skipped + 2 ? `/v1/events?${params}` : null;
      return schema.parse({ events: found.slice(skipped, skipped + 2), next });
    },
  };
}

test("all events are found, over several pages, and those stored earlier are told apart", async () => {
  const stored = storedEvents();
  const [earlier, now] = [eventsFrom(0, 3), eventsFrom(3, 4)];
  stored.store(earlier, start - 1);
  stored.store([...now, ...eventsFrom(100, 5)]);
  const confirmation = createConfirmation({ api: stored, patienceMs: 5_000, startedAt: start });
  await confirmation.add([...earlier, ...now]);
  await confirmation.finish();
  expect([confirmation.committed, confirmation.alreadyThere]).toEqual([7, 3]);
});

test("events that are committed later are waited for", async () => {
  const stored = storedEvents();
  const events = eventsFrom(0, 5);
  const confirmation = createConfirmation({ api: stored, patienceMs: 5_000, startedAt: start });
  stored.store(events.slice(0, 2));
  await confirmation.add(events);
  const finished = confirmation.finish();
  stored.store(events.slice(2));
  await finished;
  expect(confirmation.committed).toBe(5);
});

test("events that were put into quarantine are not waited for, and are counted apart", async () => {
  const stored = storedEvents();
  const confirmation = createConfirmation({ api: stored, patienceMs: 5_000, startedAt: start });
  stored.store(eventsFrom(0, 3));
  stored.quarantine(eventsFrom(3, 2));
  await confirmation.add(eventsFrom(0, 5));
  await confirmation.finish();
  expect([confirmation.committed, confirmation.quarantined]).toEqual([3, 2]);
});

test("an event that never appears ends the patience, and the others are counted", async () => {
  const stored = storedEvents();
  const events = eventsFrom(0, 3);
  stored.store(events.slice(1));
  const confirmation = createConfirmation({ api: stored, patienceMs: 50, startedAt: start });
  await confirmation.add(events);
  await expect(confirmation.finish()).rejects.toThrow("is a worker running (npm run worker)?");
  await expect(confirmation.add(eventsFrom(10, 1))).rejects.toThrow("is a worker running");
  expect(confirmation.committed).toBe(2);
});

test("sending waits while many have not been looked for", async () => {
  const stored = storedEvents();
  const confirmation = createConfirmation({ api: stored, patienceMs: 5_000, startedAt: start, maxWaiting: 2 });
  await confirmation.add(eventsFrom(0, 1));
  let mayGoOn = false;
  const more = confirmation.add(eventsFrom(1, 3)).then(() => {
    mayGoOn = true;
  });
  await new Promise(setImmediate);
  expect(mayGoOn).toBe(false);
  stored.store(eventsFrom(0, 4));
  await more;
  expect(confirmation.committed).toBe(4);
});

test("spans cover all times and leave out large gaps", () => {
  const iso = (ms: number) => new Date(ms).toISOString();
  expect(spansOf([1_000_000, 0, 5, 1_000_003])).toEqual([
    { from: iso(0), to: iso(6) },
    { from: iso(1_000_000), to: iso(1_000_004) },
  ]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4e12 }), { minLength: 1 }), (times) => {
      const spans = spansOf(times);
      expect(spans.length).toBeLessThanOrEqual(16);
      expect(times.every((time) => spans.some(({ from, to }) => from <= iso(time) && iso(time) < to))).toBe(true);
    }),
  );
});
