import type { Principal } from "@millrace/access";
import Fastify from "fastify";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { problemOf, sendProblem } from "../http/problem.ts";
import { createKeyRates, type RatePolicy } from "./key-rates.ts";
import type { PressureReason } from "./pressure.ts";
import { registerAdmission } from "./register-admission.ts";

const principal: Principal = { keyId: "key", name: "test", scopes: new Set(["ingest"]) };
const policy: RatePolicy = { name: "events", events: 10, windowSeconds: 10 };

/** A server with one route that takes as many events as its body says, and one that takes none. */
function serverWith({ policies }: { policies: readonly RatePolicy[] }) {
  let reason: PressureReason | undefined;
  const app = Fastify();
  const registry = new Registry();
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  app.decorateRequest("principal", null);
  app.addHook("onRequest", (request, _reply, done) => {
    request.principal = principal;
    done();
  });
  registerAdmission(app, {
    pressure: {
      reason: () => reason,
    },
    rates: createKeyRates({ shared: { add: async () => [] }, now: () => 1_000_000_004_000 }),
    policiesOf: () => policies,
    registry,
  });
  app.post("/take", { config: { scope: "ingest" } }, (request) => {
    request.acceptedEvents = Number(request.body);
    return { accepted: request.acceptedEvents };
  });
  app.get("/read", { config: { scope: "read" } }, () => ({}));
  const send = (events: number) =>
    app.inject({ method: "POST", url: "/take", headers: { "content-type": "text/plain" }, payload: String(events) });
  const setReason = (next: PressureReason | undefined): void => {
    reason = next;
  };
  return { app, registry, send, setReason };
}

test("under pressure requests with events get 503 and a time to come back; others are not affected", async () => {
  const { app, registry, send, setReason } = serverWith({ policies: [] });
  expect((await send(1)).statusCode).toBe(200);
  setReason("queue_full");
  const refused = await send(1);
  expect(refused.statusCode).toBe(503);
  expect(refused.json()).toMatchObject({ type: "/problems/queue_full", status: 503 });
  expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(3);
  expect((await app.inject("/read")).statusCode).toBe(200);
  setReason(undefined);
  expect((await send(1)).statusCode).toBe(200);
  expect(await registry.metrics()).toContain('millrace_requests_refused_total{reason="queue_full"} 1');
});

test("a key is told its rate with each answer, and 429 with the time of the next window beyond it", async () => {
  const { app, send } = serverWith({ policies: [policy] });
  const first = await send(4);
  expect(first.headers).toMatchObject({ "ratelimit-policy": '"events";q=10;w=10', ratelimit: '"events";r=6;t=6' });
  expect((await send(7)).headers).toMatchObject({ ratelimit: '"events";r=0;t=6' });
  const refused = await send(1);
  expect(refused.statusCode).toBe(429);
  expect(refused.headers).toMatchObject({ "retry-after": "6", ratelimit: '"events";r=0;t=6' });
  expect(refused.json()).toMatchObject({
    type: "/problems/key_over_rate",
    detail: expect.stringContaining("10 events"),
  });
  expect((await app.inject("/read")).headers).not.toHaveProperty("ratelimit");
});

test("a key without a rate hears nothing of rates", async () => {
  const { send } = serverWith({ policies: [] });
  expect((await send(1_000_000)).headers).not.toHaveProperty("ratelimit");
});
