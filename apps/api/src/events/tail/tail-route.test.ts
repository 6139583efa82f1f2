import { connect } from "node:net";
import type { Authenticator, Principal } from "@millrace/access";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { copyRowOf, type TelemetryEvent } from "@millrace/events";
import { createTailFeed, startTailPublisher, type TailPublisher } from "@millrace/tail";
import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import Fastify from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { expect, test } from "vitest";
import { registerAccess } from "../../access/require-scope.ts";
import { endConnectionsOnClose } from "../../http/end-connections.ts";
import { problemOf, sendProblem } from "../../http/problem.ts";
import { createReadApi, storeEvents, testEvent } from "../read/test-api.ts";
import { registerTail, type TailOptions } from "./tail-route.ts";

interface TailApi extends AsyncDisposable {
  readonly url: string;
  /** Shows events as a worker does after their COMMIT. */
  publish(...events: readonly Partial<TelemetryEvent>[]): void;
  readonly publisher: TailPublisher;
  /** From now on the key is not valid. */
  revoke(): void;
  close(): Promise<void>;
}

/** The route on a real server, fed through the real Redis. */
async function openApi(options: Partial<TailOptions["limits"]> = {}, requestTimeout = 30_000): Promise<TailApi> {
  await using parts = new AsyncDisposableStack();
  const redis = parts.use(await createTestRedis());
  const ends = { ...redis, everyMs: 10, onError: () => {} };
  const publisher = parts.use(startTailPublisher({ ...ends, maxRowsPerSecond: 1_000_000 }));
  const feed = parts.use(createTailFeed(ends));
  let principal: Principal | undefined = { keyId: "1", name: "reader", scopes: new Set(["read"]) };
  const authenticator: Authenticator = { authenticate: () => principal };

  const app = Fastify({ requestTimeout, http: { connectionsCheckingInterval: 20 }, forceCloseConnections: "idle" });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  endConnectionsOnClose(app);
  registerAccess(app, authenticator);
  const limits = { maxClients: 20, maxEventsPerSecond: 1_000_000, ...options };
  registerTail(app, { feed, authenticator, limits, everyMs: 10 });
  parts.defer(() => app.close());
  const url = `${await app.listen({ port: 0, host: "127.0.0.1" })}/v1/events/tail`;
  const open = parts.move();
  return {
    url,
    publisher,
    publish: (...events) => publisher.publish(events.map((event) => rowOf(testEvent(event)))),
    revoke: () => {
      principal = undefined;
    },
    close: async () => await app.close(),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

const rowOf = (event: TelemetryEvent): string => copyRowOf(event, "2026-11-23T12:00:00.5Z");

interface Follower extends AsyncDisposable {
  readonly response: Response;
  readonly messages: EventSourceMessage[];
  readonly comments: string[];
  /** The ids of the events that came. */
  ids(): string[];
  /** What was said in messages of a type. */
  told(type: string): unknown[];
  readonly ended: Promise<void>;
}

async function follow(url: string, query: Readonly<Record<string, string>> = {}, lastId?: string): Promise<Follower> {
  const gone = new AbortController();
  const response = await fetch(`${url}?${new URLSearchParams(query)}`, {
    headers: lastId === undefined ? {} : { "last-event-id": lastId },
    signal: gone.signal,
  });
  const messages: EventSourceMessage[] = [];
  const comments: string[] = [];
  const parser = new EventSourceParserStream({
    onComment: (comment) => void comments.push(comment),
    onError: "terminate",
  });
  const text = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(parser);
  const ended = (async () => {
    for await (const message of text ?? []) messages.push(message);
  })();
  ended.catch(() => {}); // when it is left
  return {
    response,
    messages,
    comments,
    ended,
    ids: () => messages.flatMap(({ event, data }) => (event === undefined ? [JSON.parse(data).id] : [])),
    told: (type) => messages.flatMap(({ event, data }) => (event === type ? [JSON.parse(data)] : [])),
    async [Symbol.asyncDispose]() {
      gone.abort();
      await ended.catch(() => {});
    },
  };
}

const until = (condition: () => unknown) => expect.poll(condition, { timeout: 15_000, interval: 5 });

test("an event arrives as the list has it, with an id to go on from", async () => {
  await using api = await openApi();
  await using follower = await follow(api.url);
  expect(follower.response.headers.get("content-type")).toBe("text/event-stream");
  expect(follower.response.headers.get("cache-control")).toBe("no-store");
  const event = testEvent({
    id: 'quote " \\ é 🙂',
    subject: "s",
    time: "2026-11-23T10:00:00.1234Z",
    dataJson: '{"text":"line\\nbreak\\\\","big":12345678901234567890,"fine":0.10}',
    extensionsJson: '{"receivedat":"a lie","traceparent":"00-ab","n":1e2}',
  });
  await until(() => api.publisher.isWanted).toBe(true);
  api.publish(event);
  await until(() => follower.ids()).toEqual([event.id]);

  await using database = await createTestDatabase();
  await using reading = createReadApi(database.db);
  await storeEvents(database.db, [event]);
  const shown = follower.messages.find(({ id }) => id !== undefined);
  expect(JSON.parse(shown?.data ?? "")).toEqual((await reading.inject("/v1/events")).json().events[0]);
  expect(shown?.data).toContain("12345678901234567890");
  expect(follower.told("status").at(-1)).toEqual({ live: true });
});

test("a client sees what its filters let through, all of which must hold", async () => {
  await using api = await openApi();
  const queries = [{}, { source: "/a" }, { source: "/a", type: "odd" }, { subject: "s" }, { data: '{"tags":["q"]}' }];
  const expected = [["a", "b", "c"], ["a", "b"], ["b"], ["c"], ["a"]];
  await using parts = new AsyncDisposableStack();
  const followers: Follower[] = [];
  for (const query of queries) followers.push(parts.use(await follow(api.url, query)));
  await until(() => {
    api.publish(
      { id: "a", source: "/a", dataJson: '{"host":"x","tags":["p","q"]}' },
      { id: "b", source: "/a", type: "odd", dataJson: '{"tags":"q"}' },
      { id: "c", subject: "s" },
    );
    return followers.every((follower) => follower.ids().length > 0);
  }).toBe(true);
  expect(followers.map((follower) => [...new Set(follower.ids())])).toEqual(expected);
});

test("a parameter that is wrong is named; a client too many is answered 503", async () => {
  await using api = await openApi({ maxClients: 1 });
  for (const query of ["data={", "from=2026-01-01T00:00:00Z", `data="${"x".repeat(3_000)}"`]) {
    const response = await fetch(`${api.url}?${query}`);
    expect([query, response.status]).toEqual([query, 400]);
  }
  {
    await using _first = await follow(api.url);
    const second = await fetch(api.url);
    expect(second.status).toBe(503);
    expect(second.headers.get("retry-after")).toBe("10");
    expect(await second.json()).toMatchObject({ type: "/problems/too_many_clients" });
  }
  await until(async () => {
    await using next = await follow(api.url);
    return next.response.status;
  }).toBe(200);
});

test("a client that comes back goes on after the last event it saw, or learns of the gap", async () => {
  await using api = await openApi();
  let last: string | undefined;
  {
    await using follower = await follow(api.url);
    await until(() => api.publisher.isWanted).toBe(true);
    api.publish({ id: "a" }, { id: "b" }, { id: "c" });
    await until(() => follower.ids()).toEqual(["a", "b", "c"]);
    last = follower.messages.find(({ data }) => data.includes('"a"'))?.id;
  }
  await using again = await follow(api.url, {}, last);
  await until(() => again.ids()).toEqual(["b", "c"]);
  expect(again.told("gap")).toEqual([]);
  await using stranger = await follow(api.url, {}, "unknown-1.0");
  await until(() => stranger.told("gap")).toEqual([{ after: "unknown-1.0" }]);
});

test("a client that does not read has events dropped and counted, and reads on where it can", async () => {
  await using api = await openApi({ maxWaitingBytes: 100_000 });
  const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
  socket.setEncoding("utf8").write("GET /v1/events/tail HTTP/1.1\r\nhost: x\r\n\r\n");
  await using parts = new AsyncDisposableStack();
  parts.defer(() => void socket.destroy());
  await using reader = await follow(api.url);
  await until(() => api.publisher.isWanted).toBe(true);
  const dataJson = JSON.stringify("x".repeat(5_000));
  const published = 6_000; // 30 MB, more than the kernel holds for a connection
  for (let n = 0; n < published; n += 100) {
    api.publish(...Array.from({ length: 100 }, (_, at) => ({ id: String(n + at), dataJson })));
    // The other client has read on: the one that does not read has its share in memory or was refused it.
    await until(() => reader.ids().length + droppedFor(reader)).toBeGreaterThanOrEqual(n + 100);
  }

  let text = "";
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  const counted = (): number => [...text.matchAll(/"count":(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  await until(() => text.split("\nid: ").length - 1 + counted()).toBe(published);
  expect([...text.matchAll(/"slow":(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(100);
}, 60_000);

function droppedFor(follower: Follower): number {
  return follower.told("dropped").reduce<number>((sum, told) => sum + Number(Object(told).count), 0);
}

test("a stream outlives the time-out for requests, and is kept alive by comments", async () => {
  await using api = await openApi({ heartbeatMs: 30 }, 50);
  await using follower = await follow(api.url);
  await until(() => follower.comments.length).toBeGreaterThan(20);
  await until(() => api.publisher.isWanted).toBe(true);
  api.publish({ id: "late" });
  await until(() => follower.ids()).toEqual(["late"]);
});

test("a key that is no longer valid ends the stream", async () => {
  await using api = await openApi();
  await using follower = await follow(api.url);
  api.revoke();
  await follower.ended;
  expect(follower.told("end")).toEqual([{ reason: "key_invalid" }]);
  expect((await fetch(api.url)).status).toBe(401);
});

test("the server closes at once, whether its clients read or not", async () => {
  await using api = await openApi();
  await using follower = await follow(api.url);
  const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
  socket.write("GET /v1/events/tail HTTP/1.1\r\nhost: x\r\n\r\n");
  await using parts = new AsyncDisposableStack();
  parts.defer(() => void socket.destroy());
  await until(() => api.publisher.isWanted).toBe(true);
  for (let n = 0; n < 300; n += 1) {
    api.publish({ id: String(n), dataJson: JSON.stringify("x".repeat(100_000)) });
  }
  await api.close();
  await follower.ended;
  expect(follower.told("end")).toEqual([{ reason: "closing" }]);
});
