import { type ReadDb, statement } from "@millrace/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { conditionsOf, type EventFilter } from "./event-filter.ts";
import { type EventRow, eventColumns, eventJsonOf } from "./event-row.ts";
import { freshnessHeaders, type ReadsOf } from "./freshness.ts";
import { nextOf } from "./next-link.ts";
import { cursorOf, type Position, positionOf } from "./page-cursor.ts";
import { filterParams, pageParams } from "./query-schemas.ts";
import { sendJson } from "./raw-reply.ts";
import { commonProblems, event } from "./reply-schemas.ts";

const path = "/v1/quarantine";
const { source, type, from, to } = filterParams;
const query = z.strictObject({ source, type, from, to, ...pageParams });

const page = z.object({
  quarantined: z.array(
    z.object({
      reason: z.string().describe("Why it is not among the events: outside_accepted_window or partition_detached"),
      event,
    }),
  ),
  next: z.string().nullable().describe("The next page, of events received earlier; null when there is none").meta({
    example: "/v1/quarantine?source=%2Fplants%2F4%2Fpress&limit=100&cursor=WyIyMDI2LTExLTIz",
  }),
});

export function registerQuarantine(app: FastifyInstance, { readsOf }: { readsOf: ReadsOf }): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    path,
    {
      config: { scope: "read" },
      schema: {
        tags: ["events"],
        summary: "List quarantined events, last received first",
        description:
          "Events that were accepted and then kept apart, whole, because no partition is made for their time: it is " +
          "outside the window that the workers accept, or its month was detached.",
        querystring: query,
        headers: freshnessHeaders,
        response: { 200: page.describe("A page of quarantined events"), ...commonProblems },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filters } = request.query;
      // A cursor of another list must not be good for this one.
      const cursorFilters = { ...filters, list: path };
      const before = cursor === undefined ? undefined : positionOf(cursor, cursorFilters);
      const rows = await findQuarantined(readsOf(request), filters, { before, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      const next =
        last === undefined
          ? null
          : nextOf(path, {
              ...filters,
              limit: String(limit),
              cursor: cursorOf({ ...last, time: last.time_text, receivedAt: last.received_text }, cursorFilters),
            });
      const items = shown.map((row) => `{"reason":${JSON.stringify(row.reason)},"event":${eventJsonOf(row)}}`);
      return sendJson(reply, `{"quarantined":[${items.join(",")}],"next":${JSON.stringify(next)}}`);
    },
  );
}

type QuarantinedRow = EventRow & { readonly reason: string };

/** The last received first; of one receipt by id, source and time, descending. */
async function findQuarantined(
  db: ReadDb,
  filter: EventFilter,
  { before, limit }: { before: Position | undefined; limit: number },
): Promise<QuarantinedRow[]> {
  const { where, params } = conditionsOf(filter);
  const values: (string | number)[] = [...params];
  const conditions = where === "" ? [] : [where.slice("WHERE ".length)];
  if (before?.receivedAt !== undefined) {
    const first = values.push(before.receivedAt, before.id, before.source, before.time) - 3;
    conditions.push(
      `(received_at, id, source, time) < ($${first}::timestamptz, $${first + 1}, $${first + 2}, $${first + 3}::timestamptz)`,
    );
  }
  values.push(limit);
  return await db.rows(
    statement<readonly unknown[], QuarantinedRow>(
      "quarantine.list_recent",
      `SELECT ${eventColumns}, e.reason FROM telemetry_events_quarantine e
       ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
       ORDER BY e.received_at DESC, e.id DESC, e.source DESC, e.time DESC LIMIT $${values.length}`,
    ),
    values,
  );
}
