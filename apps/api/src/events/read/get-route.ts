import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { HttpProblem } from "../../http/problem.ts";
import { problemReply } from "../../http/problem-reply.ts";
import { eventJsonOf } from "./event-row.ts";
import { findEvent } from "./find-events.ts";
import { freshnessHeaders, type ReadsOf } from "./freshness.ts";
import { eventId, eventKeyParams } from "./query-schemas.ts";
import { sendJson } from "./raw-reply.ts";
import { commonProblems, event } from "./reply-schemas.ts";

export function registerGet(app: FastifyInstance, { readsOf }: { readsOf: ReadsOf }): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/events/:id",
    {
      config: { scope: "read" },
      schema: {
        tags: ["events"],
        summary: "Read one event",
        description:
          "An id is unique only within its source. When several events have it, the reply is the newest of them; " +
          "`source` and `time` name one. Events with the id `stats`, `export` or `tail` are found through the list.",
        params: z.object({ id: eventId }),
        querystring: z.strictObject(eventKeyParams),
        headers: freshnessHeaders,
        response: { 200: event, ...commonProblems, 404: problemReply("There is no such event") },
      },
    },
    async (request, reply) => {
      const { source, time } = request.query;
      const row = await findEvent(readsOf(request), { id: request.params.id, source, time });
      if (row === undefined) throw notFound(request.params.id, source, time);
      return sendJson(reply, eventJsonOf(row));
    },
  );
}

function notFound(id: string, source: string | undefined, time: string | undefined): HttpProblem {
  const key = [
    `the id ${JSON.stringify(id)}`,
    source && `the source ${JSON.stringify(source)}`,
    time && `the time ${time}`,
  ];
  return new HttpProblem({
    status: 404,
    code: "event_not_found",
    detail: `There is no event with ${key.filter(Boolean).join(", ")}; one accepted a moment ago may still be in the queue`,
  });
}
