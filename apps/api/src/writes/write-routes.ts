import type { Db } from "@millrace/db";
import { outcomes, writeStatements } from "@millrace/domain";
import type { Queues } from "@millrace/jobs";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { commonProblems } from "../events/read/reply-schemas.ts";
import { HttpProblem, unavailable } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { reasonOf } from "./problems.ts";
import { shownRow } from "./representations.ts";
import { noteOf } from "./writer.ts";

const reply = z.object({
  id: z.uuid(),
  status: z.enum(["queued", "done", "failed"]),
  kind: z.string().optional().meta({ example: "users.save" }),
  reason: z.enum(outcomes).optional().describe("Why it failed, for programs"),
  detail: z.string().optional().describe("Why it failed"),
  row: z.record(z.string(), z.unknown()).nullable().optional().describe("The row as the write left it"),
  accepted_at: z.string().optional(),
  finished_at: z.string().optional(),
});

/** What became of a write. */
export function registerWriteStatus(
  app: FastifyInstance,
  { db, queues }: { db: Db; queues: Pick<Queues, "notes"> },
): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/writes/:id",
    {
      config: { scope: "write" },
      schema: {
        tags: ["writes"],
        summary: "What became of a write",
        description: "What is finished is remembered for a week, or as long as WRITE_KEEP_DAYS says.",
        params: z.object({ id: z.uuid() }),
        response: { 200: reply, ...commonProblems, 404: problemReply("There was no such write lately") },
      },
    },
    async (request) => {
      const { id } = request.params;
      const [write] = await db.rows(writeStatements.getById, [id]);
      if (write?.is_settled === false) return { id, status: "queued" as const };
      if (write === undefined) {
        const note = await queues.notes.read(noteOf(id)).catch((error: unknown) => {
          throw unavailable("queue_unavailable", "The queue is not available; ask again", error);
        });
        if (note !== undefined) return { id, status: "queued" as const };
        throw new HttpProblem({ status: 404, code: "write_unknown", detail: `There was no write ${id} lately` });
      }
      const { kind, outcome, detail, row, accepted_at, finished_at } = write;
      const times = { accepted_at: accepted_at.toISOString(), finished_at: finished_at.toISOString() };
      return outcome === "done"
        ? { id, status: "done" as const, kind, row: row && shownRow(kind, row), ...times }
        : { id, status: "failed" as const, kind, reason: outcome, detail: reasonOf(outcome, detail), ...times };
    },
  );
}
