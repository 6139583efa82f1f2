import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import { expect, test } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";

const authorization = "Bearer millrace-test";
const until = (condition: () => unknown) => expect.poll(condition, { timeout: 20_000, interval: 20 });

/** Follows `/live` as a console does. */
async function follow({ url }: Api, gone: AbortSignal) {
  const response = await fetch(`${url}/live`, {
    headers: { authorization, accept: "text/event-stream" },
    signal: gone,
  });
  const messages: EventSourceMessage[] = [];
  const text = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  const ended = (async () => {
    for await (const message of text ?? []) messages.push(message);
  })();
  ended.catch(() => {}); // when it is left
  return {
    response,
    ended,
    messages,
    figures: () => messages.flatMap(({ event, data }) => (event === undefined ? [JSON.parse(data)] : [])),
  };
}

function post({ url }: Api, events: readonly object[]): Promise<Response> {
  return fetch(`${url}/v1/events`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(events),
  });
}

test("an API tells what all processes do, as a stream that begins at once and ends with the API", async () => {
  await using fleet = await startFleet({ apis: 2, workers: 1 });
  const [api, other] = fleet.apis;
  if (api === undefined || other === undefined) throw new Error("Two were started");
  const gone = new AbortController();
  const live = await follow(api, gone.signal);
  expect(live.response.headers.get("content-type")).toBe("text/event-stream");
  await until(() => live.figures().length).toBeGreaterThan(0);
  const appsIn = (figures: { processes: { app: string }[] }) => figures.processes.map(({ app }) => app);
  await until(() => appsIn(live.figures().at(-1))).toEqual(["api", "api", "worker"]);

  await until(async () => {
    await post(other, [{ source: "/live", type: "good" }, { source: "/live" }]);
    await other.call("GET", "/v1/users/0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed");
    const { rates, latency, cache } = live.figures().at(-1);
    const users = cache.find(({ namespace }: { namespace: string }) => namespace === "users");
    const happening = [rates.accepted, rates.rejected, rates.committed, rates.requests, rates.jobs, users?.reads ?? 0];
    return happening.every((rate) => rate > 0) && latency.accept_to_commit.samples > 0 && latency.request.samples > 0;
  }).toBe(true);
  expect(live.figures().at(-1)).toEqual({
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    rates: {
      accepted: expect.any(Number),
      rejected: expect.any(Number),
      committed: expect.any(Number),
      dead: 0,
      writes: 0,
      requests: expect.any(Number),
      jobs: expect.any(Number),
    },
    latency: { accept_to_commit: latencyShape, request: latencyShape },
    queues: expect.arrayContaining(
      ["ingest", "writes", "upkeep"].map((name) => ({
        name,
        waiting: expect.any(Number),
        active: expect.any(Number),
        delayed: expect.any(Number),
        failed: 0,
        paused: false,
        oldest_wait_ms: expect.any(Number),
        consumers: 1,
      })),
    ),
    processes: expect.arrayContaining([processShape("api"), processShape("worker")]),
    pool: { ...poolShape, wait_p99_ms: expect.any(Number) },
    cache: ["balances", "blocks", "reports", "sessions", "users"].map((namespace) => ({
      namespace,
      reads: expect.any(Number),
      hit_share: namespace === "users" ? expect.any(Number) : null,
      memory_share: namespace === "users" ? expect.any(Number) : null,
      misses: expect.any(Number),
    })),
    redis: {
      queue: { used_bytes: expect.any(Number), max_bytes: null },
      cache: { used_bytes: expect.any(Number), max_bytes: null },
    },
    database: { answers: true, latency_ms: expect.any(Number) },
    dead_letters: 0,
  });

  await fleet.workers[0]?.[Symbol.asyncDispose](); // with SIGKILL
  await until(() => appsIn(live.figures().at(-1))).toEqual(["api", "api"]);
  other.process.stop();
  await until(() => appsIn(live.figures().at(-1))).toEqual(["api"]);
  api.process.stop();
  await live.ended;
  expect(live.messages.at(-1)).toMatchObject({ event: "end", data: '{"reason":"closing"}' });
  expect(await api.process.ended).toMatchObject({ code: 0 });
}, 90_000);

test("as JSON it is known at once; the fleet is told in detail; without a queue's Redis it says what it can", async () => {
  await using fleet = await startFleet({ apis: 1, workers: 1, byWay: "both", environment: { INGEST_QUEUES: "2" } });
  const [api] = fleet.apis;
  if (api === undefined) throw new Error("One was started");
  await until(async () => (await api.call("GET", "/live")).body["processes"]).toHaveLength(2);
  await until(async () => (await api.call("GET", "/fleet")).body["processes"]).toMatchObject([
    { app: "api", consumers: [], counts: { requests: expect.any(Number) } },
    { app: "worker", consumers: ["ingest", "writes", "upkeep"].map((queue) => ({ queue, stuck: false })) },
  ]);
  expect((await api.call("GET", "/fleet")).body["queues"]).toMatchObject([
    { name: "ingest", parts: [{ name: expect.stringMatching(/^ingest-1-of-2/) }, { name: expect.any(String) }] },
    { name: "writes", parts: [{ name: "{writes}" }] },
    { name: "upkeep" },
  ]);

  fleet.way.hold();
  await until(async () => {
    const { body } = await api.call("GET", "/live");
    const { rates, queues, processes, redis, database, dead_letters } = Object(body);
    return { rates: rates.accepted, queues, apps: processes.length, redis, answers: database.answers, dead_letters };
  }).toEqual({
    rates: null,
    queues: [],
    apps: 1,
    redis: { queue: null, cache: null },
    answers: true,
    dead_letters: 0,
  });
  expect((await api.call("GET", "/fleet")).status).toBe(503);
  fleet.way.release();
}, 90_000);

const latencyShape = { p50_ms: expect.any(Number), p99_ms: expect.any(Number), samples: expect.any(Number) };
const poolShape = {
  max: expect.any(Number),
  size: expect.any(Number),
  in_use: expect.any(Number),
  waiting: expect.any(Number),
};

function processShape(app: string) {
  return {
    id: expect.any(String),
    app,
    host: expect.any(String),
    pid: expect.any(Number),
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    started_at: expect.any(String),
    seen_at: expect.any(String),
    rss_bytes: expect.any(Number),
    cpu_share: expect.any(Number),
    loop_lag_p99_ms: expect.any(Number),
    pool: poolShape,
    jobs: expect.any(Array),
    rates: { requests: expect.any(Number), jobs: expect.any(Number), rows: expect.any(Number) },
  };
}
