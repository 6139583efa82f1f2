import type { Principal } from "@millrace/access";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Counter, type Registry } from "prom-client";
import { HttpProblem } from "../http/problem.ts";
import type { KeyRates, RatePolicy, RateState } from "./key-rates.ts";
import type { PressureReason } from "./pressure.ts";
import type { PressureWatch } from "./watch-pressure.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Its requests go through the queue, though they carry no events. */
    isQueuedWrite?: boolean;
  }
  interface FastifyRequest {
    /** Events that were accepted from this request; set by routes that take events. */
    acceptedEvents: number;
  }
}

export interface AdmissionNeeds {
  readonly pressure: Pick<PressureWatch, "reason">;
  readonly rates: Pick<KeyRates, "state" | "charge">;
  readonly policiesOf: (principal: Principal) => readonly RatePolicy[];
  readonly registry: Registry;
}

/**
 * Decides before a body is read whether a request may bring events: 503 while what it would go through
 * is too full, 429 when its key has sent what it may. Both tell when to come back, and a key with a
 * rate is told of it with every answer, as "RateLimit header fields for HTTP" (IETF, draft 10) has it.
 */
export function registerAdmission(app: FastifyInstance, needs: AdmissionNeeds): void {
  const { pressure, rates, policiesOf, registry } = needs;
  const refused = countersOf(registry);
  app.decorateRequest("acceptedEvents", 0);

  app.addHook("onRequest", (request, reply, done) => {
    const { principal } = request;
    const { scope } = request.routeOptions.config;
    if (principal === null || (scope !== "ingest" && !bringsWork(request))) return done();
    const reason = pressure.reason();
    if (reason !== undefined) {
      refused.inc({ reason });
      return done(overloaded(reason));
    }
    const state = scope === "ingest" ? rates.state(principal.keyId, policiesOf(principal)) : undefined;
    if (state !== undefined && state.remaining <= 0) {
      refused.inc({ reason: "key_rate" });
      tellRate(reply, state);
      return done(overRate(state));
    }
    done();
  });

  app.addHook("onRoute", (route) => {
    if (route.config?.scope !== "ingest") return;
    route.onSend = [
      ...[route.onSend ?? []].flat(),
      (request, reply, payload, done) => {
        const { principal, acceptedEvents } = request;
        const policies = principal === null ? [] : policiesOf(principal);
        if (principal !== null && policies.length > 0) {
          if (acceptedEvents > 0) rates.charge(principal.keyId, policies, acceptedEvents);
          const state = rates.state(principal.keyId, policies);
          if (state !== undefined) tellRate(reply, state);
        }
        done(null, payload);
      },
    ];
  });
}

/** A write to the domain goes through the queue; the routes beside it that only ask or sign in do not. */
function bringsWork({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.isQueuedWrite === true;
}

function countersOf(registry: Registry): Counter<"reason"> {
  return new Counter({
    name: "millrace_requests_refused_total",
    help: "Requests with events that were not let in, by the reason",
    labelNames: ["reason"],
    registers: [registry],
  });
}

const pressureDetails: Readonly<Record<PressureReason, string>> = {
  queue_full: "The queue is nearly full; send the same again later",
  queue_slow: "More comes than is stored; send the same again later",
  memory_full: "This server is short of memory; send the same again later",
};

function overloaded(reason: PressureReason): HttpProblem {
  return new HttpProblem({
    status: 503,
    code: reason,
    title: "Overloaded",
    detail: pressureDetails[reason],
    // Spread, so that those who were refused together do not come back together.
    headers: { "retry-after": String(1 + Math.floor(Math.random() * 3)) },
  });
}

function overRate({ policy, resetSeconds }: RateState): HttpProblem {
  const { events, windowSeconds } = policy;
  return new HttpProblem({
    status: 429,
    code: "key_over_rate",
    detail: `The key may send ${events} events in ${windowSeconds} s and has done so; send these again in ${resetSeconds} s`,
    headers: { "retry-after": String(resetSeconds) },
  });
}

function tellRate(reply: FastifyReply, { policy, remaining, resetSeconds }: RateState): void {
  const { name, events, windowSeconds } = policy;
  reply.header("ratelimit-policy", `"${name}";q=${events};w=${windowSeconds}`);
  reply.header("ratelimit", `"${name}";r=${Math.max(0, remaining)};t=${resetSeconds}`);
}
