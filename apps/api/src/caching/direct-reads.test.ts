import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Authenticator } from "@millrace/access";
import Fastify from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { z } from "zod";
import { registerAccess } from "../access/require-scope.ts";
import { endConnectionsOnClose } from "../http/end-connections.ts";
import { createRequestObserver, registerMetrics } from "../http/metrics.ts";
import { HttpProblem, problemOf, sendProblem } from "../http/problem.ts";
import { createDirectReads } from "./direct-reads.ts";
import { hashed } from "./representation.ts";

const reader = { keyId: "1", name: "reader", scopes: new Set(["read"] as const) };
const authenticator: Authenticator = {
  authenticate(header) {
    if (header === "Bearer known") return reader;
    if (header === "Bearer unsure") return Promise.reject(new Error("connect ECONNREFUSED"));
    return Promise.resolve(header === undefined ? undefined : reader);
  },
};

/** `/things/N` is found at once for an even N, in a while for an odd one; 8 and 9 are not there. */
async function openApi() {
  const registry = new Registry();
  const observer = createRequestObserver(registry);
  const directReads = createDirectReads({ authenticator, observer, requestTimeoutMs: 5_000 });
  const app = Fastify({ serverFactory: directReads.createServer, forceCloseConnections: "idle" });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  endConnectionsOnClose(app);
  registerMetrics(app, registry, observer);
  registerAccess(app, authenticator);
  directReads.route(app, {
    url: "/things/:n",
    scope: "read",
    tag: "things",
    summary: "A thing",
    params: z.object({ n: z.string() }),
    canonical: { n: "[0-9]" },
    row: z.object({ n: z.string() }),
    find({ n }) {
      const found = n === "8" || n === "9" ? undefined : hashed({ n, text: "ä".repeat(Number(n)) });
      return Number(n) % 2 === 0 ? found : new Promise((resolve) => setImmediate(() => resolve(found)));
    },
    notFound: ({ n }) => new HttpProblem({ status: 404, code: "not_found", detail: `No thing ${n}` }),
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    url,
    get: (path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
      fetch(url + path, { method, headers: { authorization: "Bearer known", ...headers } }),
    [Symbol.asyncDispose]: () => app.close(),
  };
}

test("what is found at once, in a while or not at all is answered, its bytes counted right", async () => {
  await using api = await openApi();
  for (const n of ["0", "2", "3", "4", "5"]) {
    const answer = await api.get(`/things/${n}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ n, text: "ä".repeat(Number(n)) });
    const known = await api.get(`/things/${n}`, { "if-none-match": answer.headers.get("etag") ?? "" });
    expect([known.status, await known.text()]).toEqual([304, ""]);
    const head = await api.get(`/things/${n}`, {}, "HEAD");
    expect([head.status, head.headers.get("etag")]).toEqual([200, answer.headers.get("etag")]);
  }
  for (const n of ["8", "9"]) expect((await api.get(`/things/${n}`)).status).toBe(404);
});

test("answers on one connection come in the order of their requests, the last before it ends", async () => {
  await using api = await openApi();
  const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
  await once(socket, "connect");
  const head = "host: here\r\nauthorization: Bearer known\r\n";
  for (const n of [1, 2, 3, 9, 4]) socket.write(`GET /things/${n} HTTP/1.1\r\n${head}\r\n`);
  socket.write(`GET /things/6 HTTP/1.1\r\n${head}connection: close\r\n\r\n`);
  const answers = await text(socket);
  const named = [...answers.matchAll(/"n":"(\d)"|No thing (\d)/g)].map(([, found, absent]) => found ?? absent);
  expect(named).toEqual(["1", "2", "3", "9", "4", "6"]);
});

test("a key that is not known here, or cannot be checked, is for the framework to judge", async () => {
  await using api = await openApi();
  expect((await api.get("/things/2", { authorization: "Bearer new" })).status).toBe(200);
  expect((await api.get("/things/2", { authorization: "Bearer unsure" })).status).toBe(503);
});

test("each answer is counted once, by its status", async () => {
  await using api = await openApi();
  const etag = (await api.get("/things/2")).headers.get("etag") ?? "";
  await Promise.all(Array.from({ length: 20 }, () => api.get("/things/2", { "if-none-match": etag })));
  await Promise.all(Array.from({ length: 30 }, () => api.get("/things/3")));
  await api.get("/things/9");
  const metrics = await (await api.get("/metrics")).text();
  const counts = [...metrics.matchAll(/_count\{method="GET",route="\/things\/:n",status="(\d+)"\} (\d+)/g)];
  expect(Object.fromEntries(counts.map(([, status, count]) => [status, Number(count)]))).toEqual({
    200: 31,
    304: 20,
    404: 1,
  });
});
