import { createTestDatabase } from "@millrace/embedded/testing";
import type { TelemetryEvent } from "@millrace/events";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { createReadApi, storeEvents, testEvent } from "./test-api.ts";

interface Page {
  readonly events: { readonly id: string; readonly source: string; readonly time: string }[];
  readonly next: string | null;
}

async function pageAt(app: FastifyInstance, url: string): Promise<Page> {
  const reply = await app.inject(url);
  expect(reply.statusCode, reply.body).toBe(200);
  return reply.json();
}

async function allPages(app: FastifyInstance, url: string): Promise<Page["events"]> {
  const events: Page["events"] = [];
  for (let next: string | null = url; next !== null; ) {
    const page: Page = await pageAt(app, next);
    events.push(...page.events);
    next = page.next;
  }
  return events;
}

async function ids(app: FastifyInstance, query: Readonly<Record<string, string>>): Promise<string[]> {
  return (await pageAt(app, `/v1/events?${new URLSearchParams(query)}`)).events.map(({ id }) => id);
}

test("an event keeps its microseconds, the digits of its numbers and its further attributes", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  await storeEvents(database.db, [
    testEvent({
      id: 'quote " and \\ and é',
      subject: "s",
      time: "2026-11-23T10:00:00.123456Z",
      dataJson: '{"big":12345678901234567890,"fine":0.1000000000000000055511151231257827}',
      extensionsJson: '{"receivedat":"a lie","traceparent":"00-ab"}',
    }),
  ]);

  const reply = await app.inject("/v1/events");

  expect(reply.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(reply.body).toContain("12345678901234567890");
  expect(reply.body).toContain("0.1000000000000000055511151231257827");
  expect(reply.json().events).toEqual([
    {
      specversion: "1.0",
      id: 'quote " and \\ and é',
      source: "/test",
      type: "test",
      subject: "s",
      time: "2026-11-23T10:00:00.123456Z",
      traceparent: "00-ab",
      receivedat: "2026-11-23T12:00:00.500000Z",
      data: expect.anything(),
    },
  ]);
});

test("each filter lets through what it says, and all that are given must hold", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  await storeEvents(database.db, [
    testEvent({ id: "a", source: "/a", time: "2025-03-01T00:00:00Z", dataJson: '{"host":"x","tags":["p","q"]}' }),
    testEvent({ id: "b", source: "/a", type: "odd", time: "2026-11-30T23:59:59.999999Z", dataJson: '{"host":"y"}' }),
    testEvent({ id: "c", subject: "s", time: "2026-12-01T00:00:00Z", dataJson: '{"host":"x"}' }),
  ]);

  expect(await ids(app, {})).toEqual(["c", "b", "a"]);
  expect(await ids(app, { source: "/a" })).toEqual(["b", "a"]);
  expect(await ids(app, { type: "odd" })).toEqual(["b"]);
  expect(await ids(app, { subject: "s" })).toEqual(["c"]);
  expect(await ids(app, { from: "2026-11-30T23:59:59.999999Z" })).toEqual(["c", "b"]);
  expect(await ids(app, { to: "2026-12-01T01:00:00+01:00" })).toEqual(["b", "a"]);
  expect(await ids(app, { data: '{"host":"x"}' })).toEqual(["c", "a"]);
  expect(await ids(app, { data: '{"tags":["q"]}', source: "/a" })).toEqual(["a"]);
  expect(await ids(app, { source: "/a", type: "test", subject: "s" })).toEqual([]);
});

test("a value that is rare in a large table is found far back in time", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  const many = Array.from({ length: 12_000 }, (_, index) =>
    testEvent({ id: String(index), dataJson: '{"host":"common"}' }),
  );
  await storeEvents(database.db, [
    ...many,
    testEvent({ id: "rare", time: "2012-01-01T00:00:00Z", dataJson: '{"host":"rare"}' }),
  ]);

  expect(await ids(app, { data: '{"host":"rare"}' })).toEqual(["rare"]);
  expect(await ids(app, { data: '{"host":"common"}', limit: "2" })).toHaveLength(2);
});

test.for([
  ["data={host}", "data: must be JSON"],
  ["data=%22%5Cu0000%22", "data: must not have a NUL"],
  ["data=1e99999", "data: The number"],
  ["from=yesterday", "from: must be an RFC 3339 timestamp"],
  ["limit=0", "limit:"],
  ["limit=1001", "limit:"],
  ["source=%00", "source: must not have a NUL"],
  ["sourc=/a", "sourc"],
  ["cursor=nonsense", "follow next"],
])("%s is refused with the reason", async ([query, reason]) => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);

  const reply = await app.inject(`/v1/events?${query}`);

  expect(reply.statusCode).toBe(400);
  expect(reply.json().detail).toContain(reason);
});

test("a cursor is good for the filters of its page only", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  await storeEvents(database.db, [testEvent({ id: "1" }), testEvent({ id: "2" })]);
  const { next } = await pageAt(app, "/v1/events?type=test&limit=1");
  const cursor = new URL(next ?? "", "http://localhost").searchParams.get("cursor") ?? "";

  const other = await app.inject(`/v1/events?type=other&cursor=${cursor}`);

  expect(other.statusCode).toBe(400);
  expect(other.json().detail).toContain("other filters");
  expect(await ids(app, { type: "test", limit: "7", cursor })).toEqual(["1"]);
});

test("paging gives each event once and in order, whatever the page size and however many times are equal", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  const keys = fc.record({
    id: fc.constantFrom("a", "b", "ü", "Z", "🙂", "a/b"),
    source: fc.constantFrom("/x", "/y", "/Y"),
    time: fc.constantFrom(
      "2024-02-29T23:59:59.999999Z",
      "2025-12-31T23:59:59.999999Z",
      "2026-01-01T00:00:00.000000Z",
      "2026-01-01T00:00:00.000001Z",
      "2027-06-01T00:00:00.000000Z",
    ),
  });
  const nameOf = ({ time, id, source }: Page["events"][number]): string => [time, id, source].join(" ");
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(keys, { selector: nameOf, maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      async (rows, limit) => {
        const type = `run-${run++}`;
        await storeEvents(
          database.db,
          rows.map((row): TelemetryEvent => testEvent({ ...row, type, id: row.id, source: `${row.source}${run}` })),
        );

        const read = await allPages(app, `/v1/events?type=${type}&limit=${limit}`);

        const expected = rows.map((row) => ({ ...row, source: `${row.source}${run}` }));
        expect(read.map(nameOf)).toEqual(expected.sort(newestFirst).map(nameOf));
      },
    ),
    { numRuns: 60 },
  );
});

function newestFirst(a: Page["events"][number], b: Page["events"][number]): number {
  const order = (left: string, right: string): number => Buffer.compare(Buffer.from(right), Buffer.from(left));
  return order(a.time, b.time) || order(a.id, b.id) || order(a.source, b.source);
}
