import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { expect, test } from "vitest";
import { z } from "zod";
import { createApi, retryAfterMs } from "./api-client.ts";
import type { DemoEvent } from "./demo-event.ts";

const event: DemoEvent = { id: "1", source: "/s", type: "t", time: "2026-11-23T10:00:00.000Z", data: { message: "x" } };

/** A server that gives these answers in turn, and keeps the bodies that it was sent. */
async function serverThat(...answers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  const bodies: string[] = [];
  const arrivals: number[] = [];
  const server = createServer(async (request, response) => {
    arrivals.push(performance.now());
    bodies.push(await text(request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request));
    const answer = answers.shift();
    if (answer === undefined) response.writeHead(500).end();
    else answer(request, response);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server listens on no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    bodies,
    arrivals,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
const accepted = answer(202, { accepted: 1, rejected: [] });

test("a batch is sent again as long as the server says later, and not before it said", async () => {
  await using server = await serverThat(
    answer(503, { detail: "later" }, { "retry-after": "1" }),
    answer(429, { detail: "slower" }),
    accepted,
  );
  const api = createApi({ url: server.url, key: "k" });
  expect(await api.send([event])).toEqual({ accepted: 1, rejected: [] });
  expect(api.retries).toBe(2);
  expect(server.bodies.map((body) => JSON.parse(body))).toEqual([event, event, event]);
  const [first = 0, second = 0] = server.arrivals;
  expect(second - first).toBeGreaterThanOrEqual(1_000);
});

test("a connection that breaks is tried again once the server has been reached", async () => {
  await using server = await serverThat(accepted, (request) => request.socket.destroy(), accepted);
  const api = createApi({ url: server.url, key: "k" });
  await api.send([event]);
  expect(await api.send([event])).toEqual({ accepted: 1, rejected: [] });
  expect(api.retries).toBe(1);
});

test("tries end, with what the server said", async () => {
  const busy = answer(503, { detail: "The queue is full" });
  await using server = await serverThat(busy, busy, accepted);
  const api = createApi({ url: server.url, key: "k", maxTries: 2 });
  await expect(api.send([event])).rejects.toThrow("The queue is full");
  expect(server.bodies).toHaveLength(2);
});

test("a wait longer than anyone has patience for is not begun", async () => {
  await using server = await serverThat(answer(429, { detail: "over quota" }, { "retry-after": "3600" }), accepted);
  await expect(createApi({ url: server.url, key: "k" }).send([event])).rejects.toThrow("over quota");
});

test("a batch of bad events only is an answer, not a failure", async () => {
  const rejected = [{ index: 0, code: "invalid_time", message: "no" }];
  await using server = await serverThat(answer(400, { detail: "none", accepted: 0, rejected }));
  expect(await createApi({ url: server.url, key: "k" }).send([event])).toEqual({ accepted: 0, rejected });
});

test("an unknown key is named in part, and never tried again", async () => {
  await using server = await serverThat(answer(401, { detail: "no" }), accepted);
  const connecting = createApi({ url: server.url, key: "mr_secretsecretsecret" }).connect();
  await expect(connecting).rejects.toThrow("does not know the key mr_sec…. Give one with --key");
  expect(server.bodies).toHaveLength(1);
});

test("where nothing listens, the message says how to start it", async () => {
  let url = "";
  {
    await using server = await serverThat();
    url = server.url;
  }
  await expect(createApi({ url, key: "k" }).connect()).rejects.toThrow(
    `Nothing listens at ${url}. Start Millrace with: npm start`,
  );
});

test("an answer of another program is not taken for ours", async () => {
  await using server = await serverThat(answer(200, { hello: "world" }));
  const reading = createApi({ url: server.url, key: "k" }).read(
    "/v1/events",
    z.object({ events: z.array(z.unknown()) }),
  );
  await expect(reading).rejects.toThrow("was not answered as expected");
});

test.each([
  [null, 0],
  ["7", 7_000],
  ["Tue, 24 Nov 2026 00:00:10 GMT", 10_000],
  ["Mon, 23 Nov 2026 00:00:10 GMT", 0],
  ["soon", 0],
])("Retry-After %j asks for %d ms", (value, ms) => {
  expect(retryAfterMs(value, Date.UTC(2026, 10, 24))).toBe(ms);
});
