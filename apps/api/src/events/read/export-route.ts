import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { HttpProblem } from "../../http/problem.ts";
import { problemReply } from "../../http/problem-reply.ts";
import { csvHeader, csvRecordOf, type EventRow, eventJsonOf } from "./event-row.ts";
import { createExportSlots } from "./export-slots.ts";
import { type ExportLimits, openExport } from "./export-stream.ts";
import { freshnessHeaders, type ReadsOf } from "./freshness.ts";
import { filterParams } from "./query-schemas.ts";
import { sendFile } from "./raw-reply.ts";
import { commonProblems } from "./reply-schemas.ts";

const formats = {
  ndjson: { mediaType: "application/x-ndjson", header: "", lineOf: (row: EventRow) => `${eventJsonOf(row)}\n` },
  csv: { mediaType: "text/csv; charset=utf-8; header=present", header: csvHeader, lineOf: csvRecordOf },
};

const query = z.strictObject({
  ...filterParams,
  format: z.enum(["ndjson", "csv"]).default("ndjson").describe("NDJSON: an event a line. CSV: RFC 4180 with a header"),
});

const replies = {
  200: {
    description: "All the events, oldest first, as of one moment",
    content: {
      "application/x-ndjson": {
        schema: z.string().meta({
          example:
            '{"specversion":"1.0","id":"a1","source":"/plants/4/press","type":"press.cycle","time":"2026-11-23T10:00:00.000000Z","receivedat":"2026-11-23T10:00:00.120000Z","data":{"milliseconds": 412.5}}\n',
        }),
      },
      "text/csv": {
        schema: z.string().meta({
          example: `${csvHeader}a1,/plants/4/press,press.cycle,,2026-11-23T10:00:00.000000Z,"{""milliseconds"": 412.5}",,2026-11-23T10:00:00.120000Z\r\n`,
        }),
      },
    },
  },
  ...commonProblems,
  503: problemReply("Too many exports run, or the database is not available; Retry-After says when to try again"),
};

export function registerExport(
  app: FastifyInstance,
  { readsOf, maxExports, ...limits }: { readsOf: ReadsOf; maxExports: number } & ExportLimits,
): void {
  const slots = createExportSlots(maxExports);
  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/events/export",
    {
      config: { scope: "read", isStream: true },
      // HEAD would read all the events to send none of them.
      exposeHeadRoute: false,
      schema: {
        tags: ["events"],
        summary: "Download events as NDJSON or CSV",
        description:
          "Streams any number of events, oldest first, as they were at one moment. The connection is cut if something " +
          `fails on the way, so that a reply which ends well is whole. At most ${maxExports} exports run at once in a process.`,
        produces: ["application/x-ndjson", "text/csv"],
        querystring: query,
        headers: freshnessHeaders,
        response: replies,
      },
    },
    async (request, reply) => {
      const { format, ...filter } = request.query;
      const { mediaType, header, lineOf } = formats[format];
      const gone = new AbortController();
      const free = slots.take();
      if (free === undefined) throw tooManyExports(maxExports);
      reply.raw.once("close", () => gone.abort());
      if (reply.raw.destroyed) gone.abort();
      try {
        const stream = await openExport(readsOf(request), filter, { header, lineOf, ...limits, gone: gone.signal });
        stream.once("close", free);
        return sendFile(reply, { stream, mediaType, name: fileNameOf(format) });
      } catch (error) {
        free();
        throw error;
      }
    },
  );
}

function fileNameOf(format: string): string {
  const now = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
  return `events-${now}Z.${format}`;
}

function tooManyExports(maxExports: number): HttpProblem {
  return new HttpProblem({
    status: 503,
    code: "too_many_exports",
    detail: `${maxExports} exports run already; try again when one has ended`,
    headers: { "retry-after": "10" },
  });
}
