import type { Db } from "@millrace/db";
import { knownFolder } from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";

const backup = z.object({
  id: z.string(),
  started_at: z.string(),
  ended_at: z.string(),
  restorable_from: z.string().describe("The earliest time that it can be restored to"),
  bytes: z.number(),
  server_version: z.string(),
  lsn: z.string().describe("Where in the log it is restored to when nothing else is asked for"),
  tables: z.int().describe("How many are compared after a restore"),
  verified_at: z.string().nullable().describe("When it was last looked whether it is whole"),
  damage: z.string().nullable().describe("What was damaged or missing then; null: nothing"),
});
const drill = z.object({
  at: z.string(),
  backup_id: z.string(),
  outcome: z.enum(["sound", "failed"]),
  rto_ms: z.number().nullable().describe("How long the recovery took; null: it did not come to its end"),
  rpo_ms: z.number().nullable().describe("What would have been lost at most"),
  error: z.string().nullable(),
});

/** The backups, as far as a worker or a command has told of them: their folder need not be seen from here. */
export function registerBackups(app: FastifyInstance, { db }: { readonly db: Db }): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get(
    "/database/backups",
    {
      config: { scope: "read" },
      schema: {
        tags: ["database"],
        summary: "Which backups there are, whether they are whole, and how drills of restoring them went",
        response: {
          200: z.object({
            directory: z.string().nullable().describe("BACKUP_DIR of whoever looked; null: nobody has"),
            looked_at: z.string().nullable().describe("Workers with BACKUP_DIR look every five minutes"),
            backups: z.array(backup).describe("The newest first"),
            drills: z.array(drill).describe("The newest first"),
          }),
        },
      },
    },
    async () => {
      const known = await knownFolder(db);
      return {
        directory: known?.directory ?? null,
        looked_at: known?.looked_at.toISOString() ?? null,
        backups: [...(known?.backups ?? [])],
        drills: [...(known?.drills ?? [])],
      };
    },
  );
}
