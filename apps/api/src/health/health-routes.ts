import type { Authenticator, Principal } from "@millrace/access";
import { type Health, healthReport } from "@millrace/fleet";
import { within } from "@millrace/runtime";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { cannotAuthenticate, refusalOf } from "../access/require-scope.ts";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";

export interface HealthNeeds {
  readonly health: Health;
  readonly authenticator: Authenticator;
}

const alive = z.object({ status: z.literal("ok") });
const ready = z.object({ status: z.enum(["ok", "degraded"]) });

/** A key that was not seen lately has to be looked up in a database that may hang. */
const keyPatienceMs = 1_000;

export function registerHealth(app: FastifyInstance, { health, authenticator }: HealthNeeds): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    "/health",
    {
      config: { scope: "public" },
      schema: {
        tags: ["health"],
        summary: "The process lives; with a key, how it is and all that it needs",
        description:
          "Without a key only that the process lives. With one that has the scope `read`: each dependency with its version, " +
          "its latency and what is wrong with it, and the workers of each queue; 503 when the process cannot do its work. " +
          "It answers within two seconds whatever hangs, and asks each server once a second at most.",
        response: { 200: z.union([healthReport, alive]), 503: healthReport },
      },
    },
    async (request, reply) => {
      const principal = await principalOf(request, authenticator);
      if (principal === undefined && request.headers.authorization === undefined) return { status: "ok" as const };
      const refusal = refusalOf(request, principal, "read");
      if (refusal !== undefined) throw refusal;
      const report = await health.report();
      return reply.code(report.status === "down" ? 503 : 200).send(report);
    },
  );

  routes.get(
    "/health/ready",
    {
      config: { scope: "read" },
      schema: {
        tags: ["health"],
        summary: "PostgreSQL and the queue's Redis answer: the process can do its work",
        response: { 200: ready, 503: problemReply("It cannot; detail says what is missing") },
      },
    },
    async () => {
      const { status, missing } = await health.ready();
      if (status !== "down") return { status };
      throw new HttpProblem({
        status: 503,
        code: missing.some(({ name }) => name === "postgresql") ? "database_unavailable" : "queue_unavailable",
        detail: `Without ${missing.map(({ name }) => name).join(" and ")} nothing can be done; try again`,
        headers: { "retry-after": "2" },
      });
    },
  );
}

async function principalOf({ headers }: FastifyRequest, authenticator: Authenticator): Promise<Principal | undefined> {
  try {
    const principal = authenticator.authenticate(headers.authorization, headers.cookie);
    return principal instanceof Promise ? await within(keyPatienceMs, principal) : principal;
  } catch (error) {
    throw cannotAuthenticate(error);
  }
}
