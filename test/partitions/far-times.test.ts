import { type Db, statement } from "@millrace/db";
import { copyRowOf } from "@millrace/events";
import { connectQueues } from "@millrace/jobs";
import { expect, test } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";

const received = "2026-11-23T10:00:00.000Z";
const storedIds = statement<[], { id: string }>("test.stored_ids", "SELECT id FROM telemetry_events ORDER BY id");
const letters = statement<[], { count: number }>("test.letters", "SELECT count(*)::int AS count FROM dead_letters");

async function idsIn(db: Db): Promise<string[]> {
  return (await db.rows(storedIds, [])).map(({ id }) => id);
}

async function send(api: Api, events: readonly { id: string; time: string }[]): Promise<void> {
  const body = events.map((event) => ({ specversion: "1.0", source: "/s", type: "t", ...event }));
  const headers = { "content-type": "application/cloudevents-batch+json" };
  expect((await api.call("POST", "/v1/events", { body, headers })).status).toBe(202);
}

test("what lies outside the window is found in quarantine, also in the year 52217, and its neighbours are stored", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const now = new Date().toISOString();
  const rows = [
    { id: "by hand", time: now },
    { id: "year 52217", time: "52217-03-04T05:06:07Z" },
    { id: "old", time: "1969-12-31T23:59:59.999999Z" },
    { id: "far ahead", time: "9999-12-31T23:59:59Z" },
  ].map((event) => copyRowOf({ source: "/s", type: "t", ...event }, received));
  await using queues = await connectQueues({
    url: fleet.redis.url,
    prefix: fleet.redis.prefix,
    onError: () => {},
  });
  await queues.enqueue("importEvents", {
    rows: rows.join(""),
    count: rows.length,
    months: [now.slice(0, 7)],
    receivedAt: Date.now(),
  });
  await send(api, [{ id: "sent", time: now }]);
  await expect.poll(() => idsIn(fleet.db), { timeout: 20_000 }).toEqual(["by hand", "sent"]);
  const { status, body } = await api.call("GET", "/v1/quarantine?limit=2");
  expect(status, JSON.stringify(body)).toBe(200);
  const rest = await api.call("GET", String(body["next"]));
  expect(rest.status, JSON.stringify(rest.body)).toBe(200);
  const shown = [body, rest.body].flatMap((page) => page["quarantined"]);
  expect(shown).toHaveLength(3);
  for (const [id, time] of [
    ["year 52217", "52217-03-04T05:06:07"],
    ["old", "1969-12-31T23:59:59.999999"],
    ["far ahead", "9999-12-31T23:59:59"],
  ]) {
    const event = expect.objectContaining({ id, time: expect.stringContaining(time ?? "") });
    expect(shown).toContainEqual({ reason: "outside_accepted_window", event });
  }
  expect(await fleet.db.rows(letters, [])).toEqual([{ count: 0 }]);
}, 60_000);

test("a month that is dropped by hand again and again while it is written to is made anew, and nothing is refused", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const time = new Date().toISOString();
  const partition = `telemetry_events_y${time.slice(0, 4)}m${time.slice(5, 7)}`;
  const drop = statement<[], never>("test.drop", `DROP TABLE IF EXISTS ${partition}`);
  let isOver = false;
  let sent = 0;
  const sending = (async () => {
    for (; !isOver; sent += 1) await send(api, [{ id: `e${sent}`, time }]);
  })();
  for (let round = 0; round < 10; round += 1) {
    const from = sent;
    await expect.poll(() => sent, { timeout: 20_000 }).toBeGreaterThan(from + 5);
    await fleet.db.run(drop, []);
  }
  isOver = true;
  await sending;
  await send(api, [{ id: "last", time }]);
  await expect.poll(() => idsIn(fleet.db), { timeout: 30_000 }).toContain("last");
  expect(await fleet.db.rows(letters, [])).toEqual([{ count: 0 }]);
}, 90_000);
