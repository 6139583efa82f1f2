import type { Db } from "@millrace/db";
import { cacheKeys, newest, reportPeriods, reportStatements, reportStatuses } from "@millrace/domain";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { walletAddress } from "../addresses/wallet-address.ts";
import type { DirectReads } from "../caching/direct-reads.ts";
import type { DomainCaches } from "../caching/domain-caches.ts";
import { hashed, sendFound, unversioned, versioned } from "../caching/representation.ts";
import { positionOf } from "../events/read/page-cursor.ts";
import { commonProblems } from "../events/read/reply-schemas.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { pageOf, pageParams } from "../http/domain-pages.ts";
import { HttpProblem } from "../http/problem.ts";
import { storableText } from "../http/storable-text.ts";
import type { Writer } from "../writes/writer.ts";
import { report, reportOf } from "./report.ts";

const path = "/v1/reports";
const dayMs = 86_400_000;

const params = z.object({ id: z.guid().toLowerCase() });
const status = z.enum(reportStatuses);
const createBody = z
  .strictObject({
    session_id: z.guid().toLowerCase().nullable().default(null).describe("The call that it is about"),
    reporter: walletAddress,
    reported: walletAddress,
    category: storableText(1, 100).meta({ example: "spam" }),
    details: storableText(1, 10_000).nullable().default(null),
  })
  .refine(({ reporter, reported }) => reporter !== reported, {
    path: ["reported"],
    message: "nobody can report themselves",
  });
const query = z.strictObject({ status: status.default("open"), ...pageParams });
const page = z.object({ reports: z.array(report), next: z.string().nullable() });
const statsQuery = z.strictObject({
  days: z.coerce
    .number()
    .refine((days) => reportPeriods.some((period) => period === days), `must be one of ${reportPeriods.join(", ")}`)
    .default(30),
});
const stats = z.object({
  counts: z.array(z.object({ category: z.string(), status, reports: z.int() })),
  closed: z.int().describe("Reports that were closed in this time"),
  mean_seconds_to_close: z.number().nullable(),
  p95_seconds_to_close: z.number().nullable(),
});

export interface ReportNeeds {
  readonly db: Db;
  readonly caches: Pick<DomainCaches, "reports">;
  readonly directReads: DirectReads;
  readonly writer: Writer;
}

export function registerReports(app: FastifyInstance, { db, caches, directReads, writer }: ReportNeeds): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ["reports"];

  routes.get(
    path,
    {
      config: { scope: "admin" },
      schema: {
        tags,
        summary: "List reports for moderation, newest first",
        querystring: query,
        response: { 200: page, ...commonProblems },
      },
    },
    (request, reply) => {
      const { limit, cursor, status } = request.query;
      const before = cursor === undefined ? newest : positionOf(cursor, { status, list: path });
      const load = async () => {
        const rows = await db.rows(reportStatements.listByStatus, [status, before.time, before.id, limit + 1]);
        const all = rows.map((row) => unversioned(reportOf(row)));
        const { shown, next } = pageOf(all, { path, filters: { status }, limit, idOf: ({ id }) => id });
        return hashed({ reports: shown, next });
      };
      const isFirst = cursor === undefined && limit === pageParams.limit.parse(undefined);
      const found = isFirst ? caches.reports.get(cacheKeys.reportsByStatus(status).key, load) : load();
      sendFound(request, reply, found, () => notFound("list"));
    },
  );

  routes.get(
    `${path}/stats`,
    {
      config: { scope: "read" },
      schema: {
        tags,
        summary: "Reports by category and status, and how long they waited",
        querystring: statsQuery,
        response: { 200: stats, ...commonProblems },
      },
    },
    (request, reply) => {
      const { days } = request.query;
      const load = async () => {
        const now = Date.now();
        const span = [new Date(now - days * dayMs), new Date(now + 1_000)] as [Date, Date]; // both bounds are there
        const [counts, [times]] = await Promise.all([
          db.rows(reportStatements.countBetween, span),
          db.rows(reportStatements.timeToCloseBetween, span),
        ]);
        return hashed({
          counts: counts.map((row) => ({ ...row, reports: Number(row.reports) })),
          closed: Number(times?.closed ?? 0),
          mean_seconds_to_close: times?.mean_seconds ?? null,
          p95_seconds_to_close: times?.p95_seconds ?? null,
        });
      };
      const found = caches.reports.get(cacheKeys.reportStats(days).key, load);
      sendFound(request, reply, found, () => notFound("statistics"));
    },
  );

  directReads.route(app, {
    url: `${path}/:id`,
    scope: "admin",
    tag: "reports",
    summary: "Read one report",
    params,
    canonical: { id: canonicalId },
    row: report,
    find: ({ id }) =>
      caches.reports.get(cacheKeys.report(id).key, async () => {
        const [row] = await db.rows(reportStatements.getById, [id]);
        return row && versioned(reportOf(row));
      }),
    notFound: ({ id }) => notFound(`report ${id}`),
  });

  writer.route({
    method: "POST",
    url: path,
    kind: "reports.create",
    tag: "reports",
    summary: "Report somebody, and the call that it is about",
    params: z.object({}),
    body: createBody,
    row: report,
    locationOf: ({ id }) => `${path}/${String(id)}`,
    payloadOf: ({ body, newId, at }) => ({ id: newId(), ...body, at }),
  });

  writer.route({
    method: "PATCH",
    url: `${path}/:id`,
    kind: "reports.set_status",
    scope: "admin",
    tag: "reports",
    summary: "Move a report on, or open it again",
    params,
    body: z.strictObject({ status }),
    row: report,
    payloadOf: ({ params: { id }, body, at }) => ({ id, status: body.status, at }),
  });
}

function notFound(what: string): HttpProblem {
  return new HttpProblem({ status: 404, code: "report_not_found", detail: `There is no ${what}` });
}
