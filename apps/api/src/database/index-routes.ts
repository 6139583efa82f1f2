import type { Db, Replicas } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import {
  actionById,
  findIndexProblems,
  type IndexAction,
  type IndexFinding,
  recentActions,
  requestActions,
  useOnReplicas,
} from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { jsonBodyOf, unchecked } from "../http/json-body.ts";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";

const finding = z.object({
  id: z.string(),
  kind: z.string(),
  table: z.string(),
  index: z.string().nullable(),
  bytes: z.number().nullable(),
  reason: z.string(),
  evidence: z.record(z.string(), z.unknown()),
  confidence: z.enum(["certain", "likely", "possible"]),
  statements: z.array(z.string()).describe("What to run, in this order, each outside of a transaction"),
  undo: z.array(z.string()).describe("What brings back what was"),
});

const action = z.object({
  id: z.string(),
  finding: z.string(),
  state: z.enum(["planned", "running", "done", "failed", "undone"]),
  requested_at: z.string(),
  ended_at: z.string().nullable(),
  error: z.string().nullable(),
  statements: z.array(z.string()),
  undo: z.array(z.string()),
  mean_before_ms: z.number().nullable().describe("Of the statements concerned, in the hour before"),
  mean_after_ms: z.number().nullable(),
  verdict: z.enum(["helped", "did_not_help"]).nullable(),
});

const optimizeBody = z.strictObject({
  apply: z.boolean().default(false).describe("Without it this only tells what would be done"),
  findings: z
    .array(z.string().max(1_000))
    .max(100)
    .optional()
    .describe("Ids from GET /database/indexes; without them those that are certain or likely"),
});

export interface IndexNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "enqueue">;
  readonly replicas: Pick<Replicas, "askEach" | "state">;
}

/** What is to be said of indexes, and having it done by a worker. */
export function registerIndexes(app: FastifyInstance, { db, queues, replicas }: IndexNeeds): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ["database"];
  const readFindings = async (): Promise<IndexFinding[]> =>
    await findIndexProblems(db, { onReplicas: await useOnReplicas(replicas) });

  routes.get(
    "/database/indexes",
    {
      config: { scope: "read" },
      schema: {
        tags,
        summary: "Indexes that are missing, useless, broken or bloated, and what was done about them",
        response: { 200: z.object({ findings: z.array(finding), actions: z.array(action) }) },
      },
    },
    async () => ({
      findings: (await readFindings()).map(shownFinding),
      actions: (await recentActions(db, 50)).map(shownAction),
    }),
  );

  routes.post(
    "/database/optimize",
    {
      config: { scope: "admin" },
      ...unchecked,
      schema: {
        tags,
        summary: "Plan what to do about indexes, and with apply have a worker do it, one after the other",
        description:
          "Nothing keeps readers or writers waiting: indexes are made, dropped and rebuilt CONCURRENTLY, on partitioned " +
          "tables part by part. Indexes that are only possibly useless are dropped only when their ids are given.",
        body: optimizeBody,
        response: {
          200: z.object({ plan: z.array(finding) }),
          202: z.object({ actions: z.array(action) }),
          404: problemReply("One of the findings is not there, or not any more"),
        },
      },
    },
    async (request, reply) => {
      const { apply, findings: ids } = jsonBodyOf(request.body, optimizeBody);
      const all = (await readFindings()).filter(({ statements }) => statements.length > 0);
      const plan =
        ids === undefined
          ? all.filter(({ confidence }) => confidence !== "possible")
          : ids.map(
              (id) => all.find((found) => found.id === id) ?? missing(`There is no finding ${id} that can be acted on`),
            );
      if (!apply) return reply.code(200).send({ plan: plan.map(shownFinding) });
      const actions = await requestActions(db, plan);
      if (actions.length > 0) await queues.enqueue("changeIndexes", { actions, direction: "apply" });
      const requested = await Promise.all(actions.map((id) => actionById(db, id)));
      return reply.code(202).send({ actions: requested.flatMap((one) => (one === undefined ? [] : shownAction(one))) });
    },
  );

  routes.get(
    "/database/optimize/:id",
    {
      config: { scope: "read" },
      schema: {
        tags,
        summary: "What became of a change to indexes",
        params: z.object({ id: z.guid() }),
        response: { 200: action, 404: problemReply("There is no such action") },
      },
    },
    async (request) => shownAction((await actionById(db, request.params.id)) ?? missing("There is no such action")),
  );

  routes.post(
    "/database/optimize/:id/undo",
    {
      config: { scope: "admin" },
      schema: {
        tags,
        summary: "Have a worker bring back what was before a change to indexes",
        params: z.object({ id: z.guid() }),
        response: { 202: action, 404: problemReply("There is no such action"), 409: problemReply("It was not done") },
      },
    },
    async (request, reply) => {
      const found = (await actionById(db, request.params.id)) ?? missing("There is no such action");
      if (found.state !== "done") {
        throw new HttpProblem({
          status: 409,
          code: "not_undoable",
          detail: `The action is ${found.state}; only one that is done can be undone`,
        });
      }
      if (found.finding.undo.length === 0) {
        const detail = "What was there before was of no use: there is nothing to bring back";
        throw new HttpProblem({ status: 409, code: "nothing_to_undo", detail });
      }
      await queues.enqueue("changeIndexes", { actions: [found.id], direction: "undo" });
      return reply.code(202).send(shownAction(found));
    },
  );
}

function missing(detail: string): never {
  throw new HttpProblem({ status: 404, code: "not_found", detail });
}

function shownFinding({ evidence, statements, undo, ...rest }: IndexFinding): z.input<typeof finding> {
  return { ...rest, evidence: { ...evidence }, statements: [...statements], undo: [...undo] };
}

function shownAction(found: IndexAction): z.input<typeof action> {
  const { finding_id, finding: about, requested_at, ended_at } = found;
  return {
    id: found.id,
    finding: finding_id,
    state: found.state,
    requested_at: requested_at.toISOString(),
    ended_at: ended_at?.toISOString() ?? null,
    error: found.error,
    statements: [...about.statements],
    undo: [...about.undo],
    mean_before_ms: found.mean_before_ms,
    mean_after_ms: found.mean_after_ms,
    verdict: found.verdict,
  };
}
