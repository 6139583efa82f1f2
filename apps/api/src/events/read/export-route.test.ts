import { type Db, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import type { TelemetryEvent } from "@millrace/events";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { registerExport } from "./export-route.ts";
import { createReadApi, storeEvents, testEvent } from "./test-api.ts";

const limits = { maxExports: 2, timeoutMs: 60_000, stallMs: 60_000 };

const storeLarge = statement<[rows: number], never>(
  "test.store_large",
  `INSERT INTO telemetry_events (id, source, type, time, data, received_at)
   SELECT n::text, '/large', 'large', '2026-11-23T00:00:00Z'::timestamptz + n * interval '1 second',
          to_jsonb(repeat('x', 20000)), now()
     FROM generate_series(1, $1::int) n`,
);

const openExports = statement<[], { pid: number }>(
  "test.open_exports",
  `SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND (state <> 'idle') AND query LIKE '%received_text%'`,
);

async function listen(app: FastifyInstance): Promise<string> {
  return `${await app.listen({ port: 0, host: "127.0.0.1" })}/v1/events/export`;
}

/** Enough that no buffer on the way holds all of it: 30 MB. */
async function storeManyEvents(db: Db): Promise<void> {
  await storeEvents(db, [testEvent({})]);
  await db.run(storeLarge, [1_500]);
}

test("an export has the events that the filters let through, oldest first, as a file", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  await storeEvents(database.db, [
    testEvent({ id: "b", time: "2026-11-01T00:00:00Z" }),
    testEvent({ id: "a", time: "2026-10-31T23:59:59Z", dataJson: '{"n":12345678901234567890}' }),
    testEvent({ id: "other", type: "other" }),
  ]);

  const reply = await app.inject("/v1/events/export?type=test");

  expect(reply.headers).toMatchObject({
    "content-type": "application/x-ndjson",
    "content-disposition": expect.stringMatching(/^attachment; filename="events-\d{8}T\d{6}Z\.ndjson"$/),
  });
  expect(reply.body.split("\n")).toEqual([
    '{"specversion":"1.0","id":"a","source":"/test","type":"test","time":"2026-10-31T23:59:59.000000Z","receivedat":"2026-11-23T12:00:00.500000Z","data":{"n": 12345678901234567890}}',
    '{"specversion":"1.0","id":"b","source":"/test","type":"test","time":"2026-11-01T00:00:00.000000Z","receivedat":"2026-11-23T12:00:00.500000Z"}',
    "",
  ]);
});

test("an export without events is an empty file, in CSV one with the header", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);

  expect((await app.inject("/v1/events/export")).body).toBe("");
  expect((await app.inject("/v1/events/export?format=csv")).body).toBe(
    "id,source,type,subject,time,data,extensions,receivedat\r\n",
  );
});

test("both formats read back as the very events that were stored", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  const text = fc.oneof(fc.constantFrom('"', ",", "\\", "a,b", '""'), fc.stringMatching(/^[ -~é🙂]{1,12}$/u));
  const json = fc.option(fc.json({ stringUnit: "grapheme" }), { nil: undefined });
  const event = fc.record({
    id: text,
    source: text,
    type: text,
    subject: fc.option(text, { nil: undefined }),
    dataJson: json,
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(event, { selector: ({ id }) => id, maxLength: 300 }), async (events) => {
      const source = `run-${run++}`;
      const stored = events.map(({ subject, dataJson, ...rest }) =>
        testEvent({
          ...rest,
          source,
          ...(subject === undefined ? {} : { subject }),
          ...(dataJson === undefined ? {} : { dataJson }),
        }),
      );
      await storeEvents(database.db, stored);

      const ndjson = await app.inject(`/v1/events/export?source=${source}`);
      const csv = await app.inject(`/v1/events/export?format=csv&source=${source}`);

      const expected = stored.map(fieldsOf).sort();
      expect(linesOf(ndjson.body).map(fieldsOfLine).sort()).toEqual(expected);
      expect(recordsOf(csv.body).slice(1).map(fieldsOfRecord).sort()).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

test("a client that goes away frees its connection and its place", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db, (bare, { readsOf }) =>
    registerExport(bare, { readsOf, ...limits, maxExports: 1 }),
  );
  await storeManyEvents(database.db);
  const url = await listen(app);
  const leave = new AbortController();
  const { body } = await fetch(url, { signal: leave.signal });
  await body?.getReader().read();
  expect(await database.db.rows(openExports, [])).toHaveLength(1);

  const refused = await fetch(url);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "10"]);
  leave.abort();

  await expect.poll(() => database.db.rows(openExports, [])).toEqual([]);
  await expect.poll(async () => (await fetch(`${url}?type=test`)).status).toBe(200);
});

test("an export that fails on the way breaks off, so that its reply is never taken for whole", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db, (bare, { readsOf }) => registerExport(bare, { readsOf, ...limits }));
  await storeManyEvents(database.db);
  const reply = await fetch(await listen(app));
  const reader = reply.body?.getReader();
  await reader?.read();

  await database.db.rows(
    statement("test.kill_exports", `SELECT pg_terminate_backend(pid) FROM (${openExports.text}) AS exports`),
    [],
  );

  await expect(async () => {
    while ((await reader?.read())?.done === false);
  }).rejects.toThrow("terminated");
  await expect.poll(() => database.db.rows(openExports, [])).toEqual([]);
});

test("a client that takes nothing for too long is cut off", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db, (bare, { readsOf }) =>
    registerExport(bare, { readsOf, ...limits, stallMs: 200 }),
  );
  await storeManyEvents(database.db);

  const reply = await fetch(await listen(app));

  await expect.poll(() => database.db.rows(openExports, [])).toEqual([]);
  await expect(reply.text()).rejects.toThrow("terminated");
});

test("what is wrong from the start is a problem, and costs no place", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db, (bare, { readsOf }) =>
    registerExport(bare, { readsOf, ...limits, timeoutMs: 1 }),
  );
  await storeManyEvents(database.db);

  for (let attempt = 0; attempt < limits.maxExports + 1; attempt += 1) {
    const reply = await app.inject("/v1/events/export");
    expect(reply.json()).toMatchObject({ status: 503, type: "/problems/database_timeout" });
  }
  expect((await app.inject("/v1/events/export?format=xml")).json()).toMatchObject({ status: 400 });
});

type Fields = readonly [id: string, source: string, type: string, subject: string, data: string];

function fieldsOf({ id, source, type, subject = "", dataJson }: TelemetryEvent): Fields {
  return [id, source, type, subject, dataJson === undefined ? "" : canonical(dataJson)];
}

function linesOf(body: string): string[] {
  return body.split("\n").slice(0, -1);
}

function fieldsOfLine(line: string): Fields {
  const { id, source, type, subject = "", data } = JSON.parse(line);
  return [id, source, type, subject, data === undefined ? "" : canonical(JSON.stringify(data))];
}

function fieldsOfRecord([id = "", source = "", type = "", subject = "", , data = ""]: string[]): Fields {
  return [id, source, type, subject, data === "" ? "" : canonical(data)];
}

/** The same text for the same JSON, for PostgreSQL keeps neither the order of members nor -0. */
function canonical(json: string): string {
  return JSON.stringify(
    JSON.parse(json, (_key, value: unknown) => {
      if (Object.is(value, -0)) return 0;
      return typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value;
    }),
  );
}

/** CSV as RFC 4180 has it. */
function recordsOf(csv: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === "\r\n") {
      records.push(record);
      record = [];
    }
  }
  return records;
}
