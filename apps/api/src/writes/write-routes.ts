import type { Principal } from "@millrace/access";
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
  const notedKeyOf = (id: string): Promise<string | undefined> =>
    queues.notes.read(noteOf(id)).catch((error: unknown) => {
      throw unavailable("queue_unavailable", "The queue is not available; ask again", error);
    });

  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/writes/:id",
    {
      config: { scope: "write" },
      schema: {
        tags: ["writes"],
        summary: "What became of a write",
        description:
          "For the key that made the write, and for those with the scope `read`. What is finished is remembered for a " +
          "week, or as long as WRITE_KEEP_DAYS says.",
        params: z.object({ id: z.uuid() }),
        response: { 200: reply, ...commonProblems, 404: problemReply("There was no such write lately") },
      },
    },
    async (request) => {
      const { id } = request.params;
      const [write] = await db.rows(writeStatements.getById, [id]);
      const keyId = write === undefined ? await notedKeyOf(id) : write.key_id;
      if (keyId === undefined || !mayBeTold(request.principal, keyId)) {
        throw new HttpProblem({ status: 404, code: "write_unknown", detail: `There was no write ${id} lately` });
      }
      if (write === undefined || !write.is_settled) return { id, status: "queued" as const };
      const { kind, outcome, detail, row, accepted_at, finished_at } = write;
      const times = { accepted_at: accepted_at.toISOString(), finished_at: finished_at.toISOString() };
      return outcome === "done"
        ? { id, status: "done" as const, kind, row: row && shownRow(kind, row), ...times }
        : { id, status: "failed" as const, kind, reason: outcome, detail: reasonOf(outcome, detail), ...times };
    },
  );
}

/** A row is shown to whoever may read, and to whoever wrote it; `null`: it was written before keys were noted. */
function mayBeTold(principal: Principal | null, keyId: string | null): boolean {
  return keyId === null || principal?.keyId === keyId || principal?.scopes.has("read") === true;
}
