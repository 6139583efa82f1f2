import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeEvent, type MillraceEvent } from "./event.ts";

const event = { source: "/shop", type: "order.paid" };
const now = Date.UTC(2026, 10, 24, 1, 2, 3, 4);
const encoded = (value: MillraceEvent): unknown => JSON.parse(encodeEvent(value, now));

test("an event without id and time gets both, of one moment", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }), (at) => {
      const { id, time } = JSON.parse(encodeEvent(event, at.getTime()));
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(at.getTime());
      expect(time).toBe(at.toISOString());
    }),
  );
});

test("ids do not repeat within a millisecond", () => {
  expect(new Set(Array.from({ length: 10_000 }, () => JSON.parse(encodeEvent(event, now)).id)).size).toBe(10_000);
});

test("what the sender has set stays, and what it has not is there", () => {
  expect(encoded({ ...event, id: "7", traceparent: "00-1-2-00", data: { total: 12 } })).toEqual({
    ...event,
    id: "7",
    traceparent: "00-1-2-00",
    data: { total: 12 },
    time: "2026-11-24T01:02:03.004Z",
  });
  const time = "2020-01-01T00:00:00+01:00";
  expect(encoded({ ...event, id: "7", time })).toMatchObject({ time });
  expect(encoded({ ...event, id: "7", time: new Date(time) })).toMatchObject({ time: "2019-12-31T23:00:00.000Z" });
});

test("an id that is a UUIDv7 says the time itself, so that the same event is the same when sent again", () => {
  const id = "019ab3f0-0000-7000-8000-000000000000";
  expect(encoded({ ...event, id })).toEqual({ ...event, id });
});

test("what JSON cannot say is no event", () => {
  expect(() => encodeEvent({ ...event, data: 1n })).toThrow(TypeError);
  expect(() => encodeEvent({ ...event, time: new Date(Number.NaN) })).toThrow(RangeError);
});
