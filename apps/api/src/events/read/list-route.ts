import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { eventJsonOf } from "./event-row.ts";
import { findEvents } from "./find-events.ts";
import { freshnessHeaders, type ReadsOf } from "./freshness.ts";
import { nextOf } from "./next-link.ts";
import { cursorOf, positionOf } from "./page-cursor.ts";
import { filterParams, pageParams } from "./query-schemas.ts";
import { sendJson } from "./raw-reply.ts";
import { commonProblems, event } from "./reply-schemas.ts";

const query = z.strictObject({ ...filterParams, ...pageParams });

const page = z.object({
  events: z.array(event),
  next: z.string().nullable().describe("The next, older page; null when there is none").meta({
    example: "/v1/events?type=press.cycle&limit=100&cursor=WyIyMDI2LTExLTIz",
  }),
});

export function registerList(app: FastifyInstance, { readsOf }: { readsOf: ReadsOf }): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/events",
    {
      config: { scope: "read" },
      schema: {
        tags: ["events"],
        summary: "List events, newest first",
        description:
          "Events that all filters let through, ordered by time, id and source, descending. Follow `next` for older " +
          "ones: a page never repeats or leaves out an event that was there when the first was read.",
        querystring: query,
        headers: freshnessHeaders,
        response: { 200: page.describe("A page of events"), ...commonProblems },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filters } = request.query;
      const before = cursor === undefined ? undefined : positionOf(cursor, filters);
      // One more than asked for tells whether there is a next page.
      const rows = await findEvents(readsOf(request), { ...filters, before }, limit + 1);
      const events = rows.slice(0, limit);
      const last = events.at(-1);
      const next =
        rows.length > limit && last !== undefined
          ? nextOf("/v1/events", {
              ...filters,
              limit: String(limit),
              cursor: cursorOf({ ...last, time: last.time_text }, filters),
            })
          : null;
      const body = `{"events":[${events.map(eventJsonOf).join(",")}],"next":${JSON.stringify(next)}}`;
      return sendJson(reply, body);
    },
  );
}
