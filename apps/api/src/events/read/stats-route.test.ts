import { createTestDatabase } from "@millrace/embedded/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createReadApi, storeEvents, testEvent } from "./test-api.ts";

test("counts are by type and bucket, half-open, right at a partition's bounds, and 0 in the gaps", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  const times = [
    "2026-10-31T22:59:59.999999Z",
    "2026-10-31T23:00:00Z",
    "2026-10-31T23:59:59.999999Z",
    "2026-11-01T00:00:00Z",
    "2026-11-01T02:00:00Z",
    "2026-11-01T03:00:00Z",
  ];
  await storeEvents(
    database.db,
    times.map((time, index) => testEvent({ id: String(index), time, type: index === 3 ? "b" : "a" })),
  );

  const reply = await app.inject("/v1/events/stats?from=2026-10-31T23:00:00Z&to=2026-11-01T03:00:00Z&interval=1h");

  expect(reply.json()).toEqual({
    from: "2026-10-31T23:00:00Z",
    to: "2026-11-01T03:00:00Z",
    interval: "1h",
    total: 4,
    buckets: ["2026-10-31T23:00:00Z", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z", "2026-11-01T02:00:00Z"],
    types: [
      { type: "a", total: 3, counts: [2, 0, 0, 1] },
      { type: "b", total: 1, counts: [0, 1, 0, 0] },
    ],
    other: { types: 0, total: 0, counts: [0, 0, 0, 0] },
  });
});

test("buckets are aligned to the clock, weeks to Monday, and count only what is in the range", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  await storeEvents(database.db, [
    testEvent({ id: "1", time: "2026-11-17T00:00:00Z" }),
    testEvent({ id: "2", time: "2026-11-18T00:00:00Z" }),
    testEvent({ id: "3", time: "2026-11-23T00:00:00Z" }),
  ]);

  const reply = await app.inject("/v1/events/stats?from=2026-11-18T00:00:00Z&to=2026-11-24T00:00:00Z&interval=1w");

  expect(reply.json()).toMatchObject({
    buckets: ["2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    types: [{ type: "test", total: 2, counts: [1, 1] }],
  });
});

test("types beyond the most frequent are counted together", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  const events = Array.from({ length: 25 }, (_, type) =>
    Array.from({ length: type + 1 }, (__, id) => testEvent({ id: `${type}-${id}`, type: `type-${type}` })),
  ).flat();
  await storeEvents(database.db, events);

  const { total, types, other } = (
    await app.inject("/v1/events/stats?from=2026-11-23T10:00:00Z&to=2026-11-23T11:00:00Z")
  ).json();

  expect(total).toBe(325);
  expect(types).toHaveLength(20);
  expect(types[0]).toEqual({ type: "type-24", total: 25, counts: [25] });
  expect(other).toEqual({ types: 5, total: 15, counts: [15] });
});

test.for([
  ["from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&interval=1m", "longer interval"],
  ["from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from must be before to"],
  ["interval=2h", "interval"],
])("%s is refused with the reason", async ([query, reason]) => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);

  const reply = await app.inject(`/v1/events/stats?${query}`);

  expect(reply.statusCode).toBe(400);
  expect(reply.json().detail).toContain(reason);
});

test("without a range the last day is counted, and an empty one has its zeros", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);

  const { total, buckets, types } = (await app.inject("/v1/events/stats")).json();

  expect({ total, types }).toEqual({ total: 0, types: [] });
  expect([24, 25]).toContain(buckets.length);
});

test("the counts of any range and interval add up to the events in it", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  const start = Date.UTC(2026, 9, 25);
  const minute = fc.integer({ min: 0, max: 20_000 });
  const timeAt = (at: number): string => new Date(start + at * 60_000).toISOString();
  const minutes = fc.sample(minute, { numRuns: 500, seed: 7 });
  await storeEvents(
    database.db,
    minutes.map((at, index) => testEvent({ id: String(index), time: timeAt(at), type: `t${index % 3}` })),
  );
  const interval = fc.constantFrom("15m", "1h", "6h", "1d", "1w");
  await fc.assert(
    fc.asyncProperty(minute, minute, interval, async (a, b, length) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b) + 1];

      const { total, types } = (
        await app.inject(`/v1/events/stats?from=${timeAt(from)}&to=${timeAt(to)}&interval=${length}`)
      ).json();

      const expected = minutes.filter((at) => at >= from && at < to).length;
      const sum = types
        .flatMap(({ counts }: { counts: number[] }) => counts)
        .reduce((x: number, y: number) => x + y, 0);
      expect([total, sum]).toEqual([expected, expected]);
    }),
    { numRuns: 60 },
  );
});
