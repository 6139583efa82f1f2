import type { Db } from "@millrace/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { eventJsonOf } from "./event-row.ts";
import { findEvents } from "./find-events.ts";
import { cursorOf, positionOf } from "./page-cursor.ts";
import { filterParams } from "./query-schemas.ts";
import { sendJson } from "./raw-reply.ts";
import { commonProblems, event } from "./reply-schemas.ts";

const query = z.strictObject({
  ...filterParams,
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe("Most events of a page"),
  cursor: z.string().optional().describe("Where the page before ended, from its next; the filters must be the same"),
});

const page = z.object({
  events: z.array(event),
  next: z.string().nullable().describe("The next, older page; null when there is none").meta({
    example: "/v1/events?type=press.cycle&limit=100&cursor=WyIyMDI2LTExLTIz",
  }),
});

export function registerList(app: FastifyInstance, { db }: { db: Db }): void {
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
        response: { 200: page.describe("A page of events"), ...commonProblems },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filters } = request.query;
      const before = cursor === undefined ? undefined : positionOf(cursor, filters);
      // One more than asked for tells whether there is a next page.
      const rows = await findEvents(db, { ...filters, before }, limit + 1);
      const events = rows.slice(0, limit);
      const last = events.at(-1);
      const next =
        rows.length > limit && last !== undefined
          ? nextOf({ ...filters, limit: String(limit), cursor: cursorOf({ ...last, time: last.time_text }, filters) })
          : null;
      const body = `{"events":[${events.map(eventJsonOf).join(",")}],"next":${JSON.stringify(next)}}`;
      return sendJson(reply, body);
    },
  );
}

function nextOf(params: Readonly<Record<string, string | undefined>>): string {
  const inUse = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) inUse.append(name, value);
  }
  return `/v1/events?${inUse}`;
}
