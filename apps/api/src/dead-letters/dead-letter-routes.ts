import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { nextOf } from "../events/read/next-link.ts";
import { cursorOf, positionOf } from "../events/read/page-cursor.ts";
import { commonProblems } from "../events/read/reply-schemas.ts";
import { jsonBodyOf, unchecked } from "../http/json-body.ts";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import {
  type DeadLetterRow,
  getDeadLetter,
  listDeadLetters,
  listWaitingDeadLetters,
  purgeDeadLetters,
} from "./dead-letter-statements.ts";
import { eventOfLetter, isRedrivable, type RedriveNeeds, redrive, redriveEdited } from "./redrive.ts";

const path = "/v1/dead-letters";
/** Letters of one call, so that neither a job nor a transaction becomes large. */
const maxLetters = 500;

const letter = z.object({
  id: z.uuid(),
  queue: z.string(),
  job: z.string(),
  reason: z.string().meta({ example: "refused_by_database" }),
  sqlstate: z.string().nullable().describe("What PostgreSQL calls it, such as 22P05"),
  message: z.string(),
  attempts: z.int().min(1).describe("How often it was refused"),
  createdat: z.string(),
  redrivenat: z.string().nullable().describe("When it was put into the queue again; null while it waits"),
  event: z.unknown().describe("What was refused, as far as it can be read"),
});

const state = z
  .enum(["waiting", "redriven"])
  .optional()
  .describe("Letters that wait, or that were redriven; both if left out");
const queue = z.string().optional().describe("The queue of the job");
const reason = z.string().optional().describe("The reason code");
const ids = z.array(z.uuid()).min(1).max(maxLetters);

const listQuery = z.strictObject({
  state,
  queue,
  reason,
  limit: z.coerce.number().int().min(1).max(maxLetters).default(100),
  cursor: z.string().optional().describe("Where the page before ended, from its next"),
});
const idParams = z.object({ id: z.uuid() });
const editBody = z.strictObject({ event: z.looseObject({}).optional() });
const redriveBody = z.union([
  z.strictObject({ ids }),
  z.strictObject({ all: z.literal(true), queue: z.string().default("ingest"), reason }),
]);
const purgeBody = z.union([
  z.strictObject({ ids }),
  z.strictObject({
    all: z.literal(true),
    state,
    queue,
    reason,
    before: z.iso.datetime({ offset: true }).optional().describe("Only letters from before this time"),
  }),
]);
const count = z.int().min(0);
const more = z.boolean().describe("There are more: call again");

const notFound = { 404: problemReply("There is no such letter") };

/** Routes to look at what PostgreSQL refused, to put it into the queue again, as it was or edited, and to delete it. */
export function registerDeadLetters(app: FastifyInstance, needs: RedriveNeeds): void {
  const { db } = needs;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const config = { scope: "admin" } as const;
  const tags = ["dead letters"];

  const get = async (id: string): Promise<DeadLetterRow> => {
    const found = await getDeadLetter(db, id);
    if (found !== undefined) return found;
    throw new HttpProblem({ status: 404, code: "dead_letter_unknown", detail: `There is no dead letter ${id}` });
  };

  routes.get(
    path,
    {
      config,
      schema: {
        tags,
        summary: "List dead letters, newest first",
        description: "Events that were accepted and that PostgreSQL itself refused, each kept whole.",
        querystring: listQuery,
        response: { 200: z.object({ deadletters: z.array(letter), next: z.string().nullable() }), ...commonProblems },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const cursorFilter = { ...filter, list: path };
      const position = cursor === undefined ? undefined : positionOf(cursor, cursorFilter);
      const after = position && { created: position.time, id: position.id };
      const rows = await listDeadLetters(db, filter, { after, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      const next =
        last === undefined
          ? null
          : nextOf(path, {
              ...filter,
              limit: String(limit),
              cursor: cursorOf({ time: last.created, id: last.id, source: "" }, cursorFilter),
            });
      return { deadletters: shown.map(letterOf), next };
    },
  );

  routes.get(
    `${path}/:id`,
    {
      config,
      schema: {
        tags,
        summary: "Read one dead letter",
        params: idParams,
        response: { 200: letter, ...commonProblems, ...notFound },
      },
    },
    async (request) => letterOf(await get(request.params.id)),
  );

  routes.post(
    `${path}/:id/redrive`,
    {
      config,
      ...unchecked,
      schema: {
        tags,
        summary: "Put one into the queue again, as it was or edited",
        description: "With `event` in the body, that takes the place of the one that was refused.",
        params: idParams,
        body: editBody,
        response: {
          200: z.object({ redriven: count }),
          ...commonProblems,
          ...notFound,
          422: problemReply("It cannot be stored like that either"),
        },
      },
    },
    async (request) => {
      const found = await get(idParams.parse(request.params).id);
      const { event } = jsonBodyOf(request.body, editBody, {});
      if (event !== undefined) {
        await redriveEdited(needs, found, event);
        return { redriven: 1 };
      }
      if (!isRedrivable(found)) {
        throw new HttpProblem({
          status: 422,
          code: "dead_letter_unreadable",
          detail: "This letter holds a job that could not be read; give the event to store in its place, or delete it",
        });
      }
      return { redriven: await redrive(needs, [found]) };
    },
  );

  routes.post(
    `${path}/redrive`,
    {
      config,
      ...unchecked,
      schema: {
        tags,
        summary: `Put many into the queue again, at most ${maxLetters} in a call`,
        body: redriveBody,
        response: { 200: z.object({ redriven: count, more }), ...commonProblems },
      },
    },
    async (request) => {
      const body = jsonBodyOf(request.body, redriveBody);
      const letters =
        "ids" in body
          ? (await Promise.all(body.ids.map((id) => getDeadLetter(db, id)))).filter((row) => row !== undefined)
          : await listWaitingDeadLetters(db, { queue: body.queue, reason: body.reason, limit: maxLetters });
      const redrivable = letters.filter(isRedrivable);
      const redriven = redrivable.length === 0 ? 0 : await redrive(needs, redrivable);
      return { redriven, more: !("ids" in body) && redriven === maxLetters };
    },
  );

  routes.delete(
    `${path}/:id`,
    {
      config,
      schema: {
        tags,
        summary: "Delete one for good",
        params: idParams,
        response: { 200: z.object({ purged: count }), ...commonProblems, ...notFound },
      },
    },
    async (request) => {
      const { id } = await get(request.params.id);
      return { purged: await purgeDeadLetters(db, { ids: [id] }) };
    },
  );

  routes.post(
    `${path}/purge`,
    {
      config,
      ...unchecked,
      schema: {
        tags,
        summary: `Delete many for good, at most ${maxLetters} in a call, the oldest first`,
        body: purgeBody,
        response: { 200: z.object({ purged: count, more }), ...commonProblems },
      },
    },
    async (request) => {
      const body = jsonBodyOf(request.body, purgeBody);
      if ("ids" in body) return { purged: await purgeDeadLetters(db, body), more: false };
      const { all: _all, ...filter } = body;
      const purged = await purgeDeadLetters(db, { filter, limit: maxLetters });
      return { purged, more: purged === maxLetters };
    },
  );
}

function letterOf(row: DeadLetterRow): z.output<typeof letter> {
  return {
    id: row.id,
    queue: row.queue,
    job: row.job_name,
    reason: row.reason_code,
    sqlstate: row.sqlstate,
    message: row.message,
    attempts: row.attempts,
    createdat: row.created,
    redrivenat: row.redriven,
    event: eventOfLetter(row),
  };
}
