import type { Authenticator, Principal, Scope } from "@millrace/access";
import Fastify, { type FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { problemOf, sendProblem } from "../http/problem.ts";
import { registerAccess } from "./require-scope.ts";

function principalWith(...scopes: Scope[]): Principal {
  return { keyId: "1", name: "collector", scopes: new Set(scopes) };
}

/** Knows `Bearer reader` at once, `Bearer new-reader` after asking, and fails on `Bearer unsure`. */
const authenticator: Authenticator = {
  authenticate(header) {
    if (header === "Bearer reader") return principalWith("read");
    if (header === "Bearer new-reader") return Promise.resolve(principalWith("read"));
    if (header === "Bearer unknown") return Promise.resolve(undefined);
    if (header === "Bearer unsure") return Promise.reject(new Error("connect ECONNREFUSED"));
    return undefined;
  },
};

function createApp(): FastifyInstance {
  const app = Fastify();
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  registerAccess(app, authenticator);
  app.get("/open", { config: { scope: "public" } }, (request) => ({ principal: request.principal }));
  app.get("/events", { config: { scope: "read" } }, (request) => ({ name: request.principal?.name }));
  app.post("/events", { config: { scope: "ingest" } }, () => ({}));
  return app;
}

const call = async (authorization?: string, method: "GET" | "HEAD" | "POST" = "GET", url = "/events") => {
  await using app = createApp();
  return await app.inject({ method, url, headers: authorization === undefined ? {} : { authorization } });
};

test.each(["Bearer reader", "Bearer new-reader"])("a request with the scope is let through (%s)", async (key) => {
  const reply = await call(key);
  expect(reply.statusCode).toBe(200);
  expect(reply.json()).toEqual({ name: "collector" });
});

test("a public route needs no key", async () => {
  const reply = await call(undefined, "GET", "/open");
  expect(reply.json()).toEqual({ principal: null });
});

test("a request without a key is answered 401 with the scheme to use", async () => {
  const reply = await call();
  expect(reply.statusCode).toBe(401);
  expect(reply.headers["www-authenticate"]).toBe("Bearer");
  expect(reply.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(reply.json()).toMatchObject({ type: "/problems/key_missing", status: 401 });
});

test.each(["Bearer nobody", "Bearer unknown", "Basic YTpi"])(
  "a request without a valid key is answered 401 (%s)",
  async (key) => {
    const reply = await call(key);
    expect(reply.statusCode).toBe(401);
    expect(reply.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
  },
);

test("a key without the route's scope is answered 403, which names the scope", async () => {
  const reply = await call("Bearer reader", "POST");
  expect(reply.statusCode).toBe(403);
  expect(reply.json()).toMatchObject({ type: "/problems/scope_missing", detail: expect.stringContaining("ingest") });
});

test("a key that cannot be checked is answered 503 with a time to try again", async () => {
  const reply = await call("Bearer unsure");
  expect(reply.statusCode).toBe(503);
  expect(reply.headers["retry-after"]).toBe("5");
  expect(reply.json()).toMatchObject({ type: "/problems/database_unavailable" });
});

test("the HEAD of a GET route asks for the same scope", async () => {
  expect((await call("Bearer reader", "HEAD")).statusCode).toBe(200);
  expect((await call(undefined, "HEAD")).statusCode).toBe(401);
});

test("a path that does not exist is answered 404, with a key or without", async () => {
  expect((await call(undefined, "GET", "/nowhere")).statusCode).toBe(404);
  expect((await call("Bearer reader", "GET", "/nowhere")).statusCode).toBe(404);
});

test("an app with a route that names no scope does not start", async () => {
  await using app = createApp();
  app.get("/forgotten", () => ({}));
  await expect(app.ready()).rejects.toThrow("Routes without a scope: GET /forgotten; HEAD /forgotten.");
});

test("a plugin's routes take the scope that a hook around the plugin gives them", async () => {
  await using app = createApp();
  app.register(async (pages) => {
    pages.addHook("onRoute", (route) => {
      route.config = { ...route.config, scope: "public" };
    });
    pages.get("/page", () => "a page");
  });
  expect((await app.inject("/page")).body).toBe("a page");
});

test("a route from before access was registered takes a key with all scopes", async () => {
  await using app = Fastify();
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  app.get("/early", () => ({}));
  registerAccess(app, authenticator);
  expect((await app.inject("/early")).statusCode).toBe(401);
  expect((await app.inject({ url: "/early", headers: { authorization: "Bearer reader" } })).statusCode).toBe(403);
});
