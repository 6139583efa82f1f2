import { type Db, statement } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { unavailable } from "./problem.ts";

const answer = z.object({ status: z.literal("ok") });
const answers = statement<[], { answers: number }>("health.select_one", "SELECT 1 AS answers");

export function registerHealth(app: FastifyInstance, { db, queues }: { db: Db; queues: Queues }): void {
  app.get(
    "/health",
    {
      config: { scope: "public" },
      schema: { tags: ["health"], summary: "The process lives", response: { 200: answer } },
    },
    () => ({ status: "ok" as const }),
  );

  app.get(
    "/health/ready",
    {
      config: { scope: "read" },
      schema: { tags: ["health"], summary: "PostgreSQL and the queue's Redis answer", response: { 200: answer } },
    },
    async () => {
      const [database, queue] = await Promise.allSettled([db.rows(answers, []), queues.ping()]);
      if (database.status === "rejected")
        throw unavailable("database_unavailable", "PostgreSQL does not answer", database.reason);
      if (queue.status === "rejected")
        throw unavailable("queue_unavailable", "The queue's Redis does not answer", queue.reason);
      return { status: "ok" as const };
    },
  );
}
