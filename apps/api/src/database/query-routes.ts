import type { Db } from "@millrace/db";
import {
  growthOf,
  planRegressions,
  plansOf,
  queryFigures,
  type StatementFigures,
  samplesSince,
} from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { storableText } from "../http/storable-text.ts";
import { windowMs, windowText } from "./window.ts";

const figures = z.object({
  statement: z.string().describe("Its name in the source; server:QUERYID for what others ran"),
  calls: z.number(),
  rows: z.number(),
  total_ms: z.number(),
  mean_ms: z.number(),
  p50_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
  p99_ms: z.number().nullable(),
  errors: z.record(z.string(), z.number()).describe("By SQLSTATE"),
  repeated: z.number().describe("Calls beyond the tenth within one request"),
  server: z
    .object({
      calls: z.number(),
      total_ms: z.number(),
      blocks_hit: z.number(),
      blocks_read: z.number(),
      blocks_temp: z.number(),
      wal_bytes: z.number(),
    })
    .nullable()
    .describe("As pg_stat_statements counted"),
});

const plan = z.object({
  plan: z.unknown(),
  parameters: z.array(z.string()).describe("What kind of values the explained call had"),
  duration_ms: z.number(),
  slow: z.boolean(),
  first_seen_at: z.string(),
  last_seen_at: z.string(),
  seen: z.number(),
});

const orders = {
  total: ({ totalMs }: StatementFigures) => totalMs,
  mean: ({ meanMs }: StatementFigures) => meanMs,
  p95: ({ p95Ms }: StatementFigures) => p95Ms ?? 0,
  calls: ({ calls }: StatementFigures) => calls,
  rows: ({ rows }: StatementFigures) => rows,
  io: ({ server }: StatementFigures) => (server === null ? 0 : server.blocksRead + server.blocksTemp),
} as const;

/** What the statements of the whole fleet did. */
export function registerQueryAnalysis(app: FastifyInstance, { db }: { readonly db: Db }): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/database/query-analysis",
    {
      config: { scope: "read" },
      schema: {
        tags: ["database"],
        summary: "How the statements do, which got slower with another plan, and which are read row by row",
        querystring: z.strictObject({
          window: windowText.default("15m"),
          sort: z.enum(["total", "mean", "p95", "calls", "rows", "io"]).default("total"),
          limit: z.coerce.number().int().min(1).max(500).default(50),
          statement: storableText(1, 200).optional().describe("Only this one, with the plans it was seen with"),
        }),
        response: {
          200: z.object({
            statements: z.array(figures),
            regressions: z.array(
              z.object({
                statement: z.string(),
                since: z.string(),
                mean_before_ms: z.number(),
                mean_after_ms: z.number(),
                plan_before: z.unknown(),
                plan_after: z.unknown(),
              }),
            ),
            read_row_by_row: z
              .array(z.object({ statement: z.string(), repeated: z.number(), calls: z.number() }))
              .describe('Suspected of "N+1": called more than ten times within a request'),
            plans: z.array(plan),
            server_evictions: z
              .number()
              .describe("Statements that pg_stat_statements forgot in this time, and some of whose calls are missing"),
          }),
        },
      },
    },
    async (request) => {
      const { window, sort, limit, statement } = request.query;
      const since = new Date(Date.now() - windowMs(window));
      const found = await queryFigures(db, since);
      const all = statement === undefined ? found : found.filter((one) => one.statement === statement);
      const order = orders[sort];
      const samples = await samplesSince(db, since);
      return {
        server_evictions: growthOf(samples, "statements_evicted_total"),
        statements: all
          .toSorted((one, other) => order(other) - order(one))
          .slice(0, limit)
          .map(shown),
        regressions: (await planRegressions(db, since)).map((found) => ({
          statement: found.statement,
          since: found.since.toISOString(),
          mean_before_ms: found.meanBeforeMs,
          mean_after_ms: found.meanAfterMs,
          plan_before: found.planBefore,
          plan_after: found.planAfter,
        })),
        read_row_by_row: all
          .filter(({ repeated }) => repeated > 0)
          .map(({ statement, repeated, calls }) => ({ statement, repeated, calls })),
        plans:
          statement === undefined
            ? []
            : (await plansOf(db, statement)).map(({ plan_hash: _, is_slow, parameters, ...rest }) => ({
                ...rest,
                parameters: [...parameters],
                slow: is_slow,
                first_seen_at: rest.first_seen_at.toISOString(),
                last_seen_at: rest.last_seen_at.toISOString(),
              })),
      };
    },
  );
}

function shown(one: StatementFigures): z.input<typeof figures> {
  const { server } = one;
  return {
    statement: one.statement,
    calls: one.calls,
    rows: one.rows,
    total_ms: one.totalMs,
    mean_ms: one.meanMs,
    p50_ms: one.p50Ms,
    p95_ms: one.p95Ms,
    p99_ms: one.p99Ms,
    errors: { ...one.errors },
    repeated: one.repeated,
    server: server && {
      calls: server.calls,
      total_ms: server.totalMs,
      blocks_hit: server.blocksHit,
      blocks_read: server.blocksRead,
      blocks_temp: server.blocksTemp,
      wal_bytes: server.walBytes,
    },
  };
}
