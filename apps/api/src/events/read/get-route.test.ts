import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { createReadApi, storeEvents, testEvent } from "./test-api.ts";

test("an event is found by its id, whatever its characters and however old it is", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  const ids = ["0199e1f3-4c1b-7e4e-9b0a-2f5b6c7d8e9f", "a/b?c=d#e%20", "ü 🙂", "é".repeat(512)];
  await storeEvents(
    database.db,
    ids.map((id) => testEvent({ id, time: "2011-05-01T00:00:00Z", dataJson: "[1]" })),
  );
  await storeEvents(database.db, [testEvent({ id: "newer" })]);

  for (const id of ids) {
    const reply = await app.inject(`/v1/events/${encodeURIComponent(id)}`);
    expect(reply.statusCode, id).toBe(200);
    expect(reply.json()).toMatchObject({ id, data: [1] });
  }
});

test("of several events with an id the newest is read, and source and time name each of them", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);
  await storeEvents(database.db, [
    testEvent({ source: "/a", time: "2026-11-23T10:00:00.000001Z" }),
    testEvent({ source: "/a", time: "2024-01-01T00:00:00Z" }),
    testEvent({ source: "/b", time: "2025-01-01T00:00:00Z" }),
  ]);
  const timeOf = async (query: string) => (await app.inject(`/v1/events/1${query}`)).json().time;

  expect(await timeOf("")).toBe("2026-11-23T10:00:00.000001Z");
  expect(await timeOf("?source=/b")).toBe("2025-01-01T00:00:00.000000Z");
  expect(await timeOf("?source=/a&time=2024-01-01T01:00:00%2B01:00")).toBe("2024-01-01T00:00:00.000000Z");
});

test("an event that is not there is a 404 that says what was looked for", async () => {
  await using database = await createTestDatabase();
  await using app = createReadApi(database.db);

  const reply = await app.inject("/v1/events/none?source=/a");

  expect(reply.statusCode).toBe(404);
  expect(reply.json()).toMatchObject({ type: "/problems/event_not_found", detail: expect.stringContaining('"none"') });
});
