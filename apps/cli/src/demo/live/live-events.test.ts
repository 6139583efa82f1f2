import { expect, test } from "vitest";
import { liveEvents } from "./live-events.ts";

const never = new AbortController().signal;

test("a measurement has events of this machine, each with an id and a time of its own run", async () => {
  const before = Date.now();
  const batches = await Array.fromAsync(liveEvents({ forMs: 100, everyMs: 50, signal: never }));
  const events = batches.flat();
  expect(batches).toHaveLength(2);
  expect(new Set(events.map(({ type }) => type))).toContain("system.memory");
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  for (const { id, source, time, data } of events) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(Date.parse(time));
    expect(Date.parse(time)).toBeGreaterThanOrEqual(before);
    expect(source).toMatch(/^\/hosts\/./);
    expect(Object.keys(data).length).toBeGreaterThan(0);
  }
});

test("it ends when it is told to", async () => {
  const stop = new AbortController();
  const events = liveEvents({ forMs: 3_600_000, everyMs: 600_000, signal: stop.signal });
  expect((await events.next()).done).toBe(false);
  const next = events.next();
  stop.abort();
  expect((await next).done).toBe(true);
});
