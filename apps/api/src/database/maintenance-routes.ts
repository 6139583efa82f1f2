import { type Db, listPartitions } from "@millrace/db";
import { type Queues, scheduledJobNames } from "@millrace/jobs";
import { type RunRow, runStatements } from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";

const run = z.object({
  id: z.string(),
  queue_job_id: z.string(),
  worker: z.string(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  outcome: z
    .enum(["done", "deferred", "failed", "lost", "skipped"])
    .nullable()
    .describe(
      "null: under way; deferred: it gave way to events and writes; lost: its process was not heard of any more; " +
        "skipped: another run was under way",
    ),
  changed: z.record(z.string(), z.number()),
  error: z.string().nullable(),
});
const job = z.object({
  name: z.string(),
  pattern: z.string().describe("Cron pattern, in UTC"),
  next_run_at: z.string().nullable().describe("null while no worker has declared it"),
  runs: z.array(run).describe("The newest first"),
});
const partition = z.object({
  name: z.string(),
  month: z.string(),
  state: z.enum(["attached", "detaching", "detached"]),
  bytes: z.number().nullable().describe("With indexes; null while somebody has it locked"),
  rows: z.number().describe("As the planner estimates"),
  settled_at: z.string().nullable().describe("Its rows were frozen then, for good"),
  detached_at: z.string().nullable(),
  detach_reason: z.string().nullable(),
  export_file: z.string().nullable(),
});

export interface MaintenanceNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "nextRuns" | "runNow">;
  readonly partitionedTable: string;
}

/** What upkeep does by the clock, and the partitions that it keeps. */
export function registerMaintenance(app: FastifyInstance, { db, queues, partitionedTable }: MaintenanceNeeds): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ["database"];

  routes.get(
    "/database/maintenance",
    {
      config: { scope: "read" },
      schema: {
        tags,
        summary: "Jobs that run by the clock, when they run next, and how they went",
        querystring: z.strictObject({ runs: z.coerce.number().int().min(1).max(100).default(5) }),
        response: { 200: z.object({ jobs: z.array(job) }) },
      },
    },
    async (request) => {
      const next = await queues.nextRuns();
      const jobs = scheduledJobNames.map(async ({ name, pattern }) => ({
        name,
        pattern,
        next_run_at: next.get(name)?.toISOString() ?? null,
        runs: (await db.rows(runStatements.listByJob, [name, request.query.runs])).map(shown),
      }));
      return { jobs: await Promise.all(jobs) };
    },
  );

  routes.post(
    "/database/maintenance/:job/run",
    {
      config: { scope: "admin" },
      schema: {
        tags,
        summary: "Have a worker run a scheduled job now",
        description:
          "The run is then in GET /database/maintenance under this queue_job_id, once a worker has taken it.",
        params: z.object({ job: z.string().max(200) }),
        response: { 202: z.object({ queue_job_id: z.string() }), 404: problemReply("There is no such job") },
      },
    },
    async (request, reply) => {
      const { job: name } = request.params;
      const id = await queues.runNow(name);
      if (id === undefined) {
        const names = scheduledJobNames.map((known) => known.name).join(", ");
        throw new HttpProblem({
          status: 404,
          code: "job_not_found",
          detail: `There is no job ${name}; there are ${names}`,
        });
      }
      return reply.code(202).send({ queue_job_id: id });
    },
  );

  routes.get(
    "/database/partitions",
    {
      config: { scope: "read" },
      schema: {
        tags,
        summary: "The partitions of the telemetry, and tables that were partitions",
        response: { 200: z.object({ partitions: z.array(partition) }) },
      },
    },
    async () => ({
      partitions: (await listPartitions(db, partitionedTable)).map((found) => ({
        name: found.name,
        month: found.month,
        state: found.state,
        bytes: found.bytes ?? null,
        rows: found.rows,
        settled_at: found.settledAt?.toISOString() ?? null,
        detached_at: found.detachedAt?.toISOString() ?? null,
        detach_reason: found.detachReason ?? null,
        export_file: found.exportFile ?? null,
      })),
    }),
  );
}

function shown({ job: _, started_at, ended_at, changed, ...rest }: RunRow): z.input<typeof run> {
  return {
    ...rest,
    changed: { ...changed },
    started_at: started_at.toISOString(),
    ended_at: ended_at?.toISOString() ?? null,
  };
}
