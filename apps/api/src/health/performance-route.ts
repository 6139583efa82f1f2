import { type PerformanceReport, performanceReport } from "@millrace/fleet";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";

/** Adds `GET /health/performance`. */
export function registerPerformance(
  app: FastifyInstance,
  { performance }: { performance: () => Promise<PerformanceReport> },
): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/health/performance",
    {
      config: { scope: "read" },
      schema: {
        tags: ["health"],
        summary: "How requests, jobs, statements, the cache and the pool did in the last 1, 5 and 15 minutes",
        description:
          "Of all processes, from what each writes to PostgreSQL every ten seconds: whole minutes, so that a span is up to a " +
          "minute longer than its name says, as `seconds` tells. While PostgreSQL is away it is of the process that was asked.",
        response: { 200: performanceReport },
      },
    },
    performance,
  );
}
