import { statement } from "@millrace/db";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";
import { linesOf } from "./log-lines.ts";

const lockEvents = statement<[], never>("test.lock_events", "LOCK TABLE telemetry_events IN ACCESS EXCLUSIVE MODE");
const lockUsers = statement<[], never>("test.lock_users", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
const waiting = statement<[], { name: string; query: string }>(
  "test.waiting",
  `SELECT application_name AS name, left(query, 200) AS query FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' ORDER BY application_name`,
);
const storedEvents = statement<[], { n: number }>("test.stored", "SELECT count(*)::int AS n FROM telemetry_events");
const hideEvents = statement<[], never>("test.hide_events", "ALTER TABLE telemetry_events RENAME TO hidden_events");
const showEvents = statement<[], never>("test.show_events", "ALTER TABLE hidden_events RENAME TO telemetry_events");
const address = `0x${"ab".repeat(20)}`;
const event = { source: "test", type: "ids" };

test("from a waiting backend to its jobs and requests, and from a request to its job and its COMMIT", async () => {
  await using parts = new AsyncDisposableStack();
  const fleet = parts.use(await startFleet({ environment: { LOG_LEVEL: "debug" } }));
  const [api] = fleet.apis as [Api];
  const release = Promise.withResolvers<void>();
  parts.defer(release.resolve);
  const locked = Promise.withResolvers<void>();
  const holding = fleet.db.transaction(async (tx) => {
    await tx.run(lockEvents, []);
    await tx.run(lockUsers, []);
    locked.resolve();
    await release.promise;
  });
  await locked.promise;

  const sent = await api.call("POST", "/v1/events", { body: event, headers: { "x-request-id": "order-4711" } });
  expect([sent.status, sent.headers.get("x-request-id")]).toEqual([202, "order-4711"]);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const traced = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
  const written = await api.call("PUT", `/v1/users/${address}`, {
    body: { display_name: "Ann" },
    headers: { traceparent },
  });
  expect([written.status, written.headers.get("x-request-id")]).toEqual([202, traced]);
  const reading = api.call("GET", "/v1/events?type=ids", { headers: { "x-request-id": "read-1" } });

  const nameOf = (queue: string, request: string) =>
    expect.stringMatching(new RegExp(`^millrace-worker ${queue}:\\d+ ${request}`));
  await expect
    .poll(() => fleet.db.rows(waiting, []), { timeout: 10_000 })
    .toEqual([
      { name: "millrace-api", query: expect.stringMatching(/^\w+ \/\* events\.\w+ \*\/ \/\* read-1 \*\//) },
      { name: nameOf("ingest", "order-4711"), query: expect.stringContaining("COPY /* events.copy */") },
      { name: nameOf("writes", traced.slice(0, 20)), query: expect.stringContaining("users.save") },
    ]);
  const [, ingesting, writing] = await fleet.db.rows(waiting, []);
  release.resolve();
  await Promise.all([holding, reading]);
  await expect.poll(() => fleet.db.rows(storedEvents, []), { timeout: 10_000 }).toEqual([{ n: 1 }]);
  const { id } = written.body;
  await expect
    .poll(async () => (await api.call("GET", `/v1/writes/${id}`)).body["status"], { timeout: 10_000 })
    .toBe("done");

  for (const { process } of fleet.apis) process.stop();
  for (const worker of fleet.workers) worker.stop();
  const apiLines = linesOf((await api.process.ended).output);
  const workerLines = linesOf((await fleet.workers[0]?.ended)?.output ?? "");
  const jobIn = (name = ""): string | undefined => /:(\d+)/.exec(name)?.[1];

  const queued = apiLines.filter(({ requestId }) => requestId === "order-4711");
  expect(queued).toEqual([
    expect.objectContaining({ msg: "events are queued", events: 1, jobs: [jobIn(ingesting?.name)] }),
  ]);
  const stored = workerLines.filter(({ requests }) => JSON.stringify(requests) === '["order-4711"]');
  expect(stored).toEqual([
    expect.objectContaining({ msg: "events are committed", queue: "ingest", jobs: queued[0]?.["jobs"], inserted: 1 }),
  ]);
  expect(apiLines.filter(({ requestId }) => requestId === traced)).toEqual([
    expect.objectContaining({ msg: "a write is queued", write: id, job: jobIn(writing?.name) }),
  ]);
  expect(workerLines.filter(({ writes }) => JSON.stringify(writes) === `["${id}"]`)).toEqual([
    expect.objectContaining({
      msg: "writes are committed and settled",
      requests: [traced],
      jobs: [jobIn(writing?.name)],
    }),
  ]);
});

test("an id that could do harm, or none, is replaced by one of ours, which a problem names", async () => {
  await using fleet = await startFleet({ workers: 0 });
  const [api] = fleet.apis as [Api];
  const bad = ["a b", "*/ DROP TABLE users; --", "x".repeat(129), "'", "é"];
  for (const id of [undefined, ...bad]) {
    const { status, headers, body } = await api.call("GET", "/v1/events?limit=x", {
      headers: id === undefined ? {} : { "x-request-id": encodeURI(id) === id ? id : id.replace("é", "\u00e9") },
    });
    expect(status).toBe(400);
    expect(headers.get("x-request-id")).toMatch(/^[a-z0-9]{6}-[a-z0-9]+$/);
    expect(body["instance"]).toBe(headers.get("x-request-id"));
  }
  const kept = await api.call("GET", "/v1/nowhere", { headers: { "x-request-id": "Root=1-67891233-abc" } });
  expect([kept.status, kept.body["instance"]]).toEqual([404, "Root=1-67891233-abc"]);
  const undecodable = await api.call("GET", "/v1/events/%E0%A4%A", { headers: { "x-request-id": "undecodable-1" } });
  expect([undecodable.status, undecodable.headers.get("x-request-id")]).toEqual([400, "undecodable-1"]);
});

test("what is answered from memory, ahead of the framework, has the id that it was asked with", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const path = `/v1/users/${address}`;
  await api.call("PUT", path, { body: { display_name: "Ann" }, headers: { prefer: "wait=10" } });
  for (const id of ["first", "from-memory", "again"]) {
    const { status, headers } = await api.call("GET", path, { headers: { "x-request-id": id } });
    expect([status, headers.get("x-request-id")]).toEqual([200, id]);
  }
});

test("a job that fails is told of with its queue, its number, its attempt and its requests", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  await fleet.db.run(hideEvents, []);
  await api.call("POST", "/v1/events", { body: event, headers: { "x-request-id": "failing-1" } });
  const redis = new Redis(fleet.redis.url);
  await using parts = new AsyncDisposableStack();
  parts.defer(() => void redis.disconnect());
  const attempts = async () => Number(await redis.hget(`${fleet.redis.prefix}:{ingest}:1`, "atm"));
  await expect.poll(attempts, { timeout: 15_000 }).toBeGreaterThan(1);
  await fleet.db.run(showEvents, []);
  await expect.poll(() => fleet.db.rows(storedEvents, []), { timeout: 15_000 }).toEqual([{ n: 1 }]);
  fleet.workers[0]?.stop();
  const lines = linesOf((await fleet.workers[0]?.ended)?.output ?? "");
  const failures = lines.filter(({ msg }) => msg === "a job failed");
  expect(failures.slice(0, 2)).toMatchObject(
    [1, 2].map((attempt) => ({
      job: "events.import",
      queue: "ingest",
      jobId: "1",
      attempt,
      requests: ["failing-1"],
      err: { code: "42P01" },
    })),
  );
});
