import type { Postgres, Replicas } from "@millrace/db";
import { databaseHealth, growthOf, healthStatements, samplesSince, worstOf } from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { windowMs, windowText } from "./window.ts";

const check = z.object({
  id: z.string(),
  status: z.enum(["ok", "warning", "critical", "skipped"]).describe("skipped: could not be looked at; advice says why"),
  value: z.number().nullable(),
  unit: z.string(),
  warning: z.number(),
  critical: z.number(),
  low_is_bad: z.boolean(),
  evidence: z.array(z.record(z.string(), z.unknown())),
  advice: z.string(),
});

export interface HealthNeeds {
  readonly db: Postgres;
  readonly partitionedTable: string;
  readonly diskBytes: number | undefined;
  /** The most connections that this process may open. */
  readonly maxConnections: number;
  readonly replicas: Pick<Replicas, "state">;
}

/** What the database is like: checks, figures over time, and who is connected. */
export function registerDatabaseHealth(app: FastifyInstance, needs: HealthNeeds): void {
  const { db, partitionedTable, diskBytes, maxConnections, replicas } = needs;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const config = { scope: "read" } as const;
  const tags = ["database"];

  routes.get(
    "/database/health",
    {
      config,
      schema: {
        tags,
        summary: "How the database is, check by check",
        response: { 200: z.object({ status: z.enum(["ok", "warning", "critical"]), checks: z.array(check) }) },
      },
    },
    async () => {
      const checks = await databaseHealth(db, { partitionedTable, diskBytes });
      return {
        status: worstOf(checks),
        checks: checks.map(({ isLowBad, evidence, ...rest }) => ({
          ...rest,
          low_is_bad: isLowBad,
          evidence: [...evidence],
        })),
      };
    },
  );

  routes.get(
    "/database/metrics",
    {
      config,
      schema: {
        tags,
        summary: "Figures of the database over a time, from the samples of each minute",
        querystring: z.strictObject({ window: windowText.default("15m") }),
        response: {
          200: z.object({
            samples: z.int(),
            seconds: z.number().describe("From the first sample to the last"),
            last: z.record(z.string(), z.unknown()).nullable().describe("The last sample as it was taken"),
            per_second: z.record(z.string(), z.number()).describe("How fast what counts up did so"),
            buffer_hit_share: z.number().nullable(),
            rollback_share: z.number().nullable(),
          }),
        },
      },
    },
    async (request) => {
      const samples = await samplesSince(db, new Date(Date.now() - windowMs(request.query.window)));
      const [first, last] = [samples[0], samples.at(-1)];
      const seconds =
        first === undefined || last === undefined ? 0 : (last.taken_at.getTime() - first.taken_at.getTime()) / 1_000;
      const grown = (name: (typeof counters)[number]): number => growthOf(samples, name);
      const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
      return {
        samples: samples.length,
        seconds,
        last: last === undefined ? null : { taken_at: last.taken_at.toISOString(), ...last.sample },
        per_second: Object.fromEntries(
          counters.map((name) => [name.replace(/_total$/, ""), seconds === 0 ? 0 : grown(name) / seconds]),
        ),
        buffer_hit_share: share(grown("blocks_hit_total"), grown("blocks_hit_total") + grown("blocks_read_total")),
        rollback_share: share(grown("rollbacks_total"), grown("rollbacks_total") + grown("commits_total")),
      };
    },
  );

  routes.get(
    "/database/connections",
    {
      config,
      schema: {
        tags,
        summary: "Who is connected, and who waits for whom",
        response: {
          200: z.object({
            pool: z
              .object({ max: z.int(), open: z.int(), idle: z.int(), waiting: z.int() })
              .describe("Of the process that answers"),
            replicas: z.array(
              z.object({
                address: z.string(),
                used: z.boolean(),
                lag_ms: z.number().nullable(),
                reason: z.string().nullable().describe("Why it is not read from"),
              }),
            ),
            server: z
              .array(z.record(z.string(), z.unknown()))
              .describe("Share of what the server allows, by application"),
            idle_in_transaction: z.array(z.record(z.string(), z.unknown())),
            long_transactions: z.array(z.record(z.string(), z.unknown())),
            blocking: z
              .array(z.record(z.string(), z.unknown()))
              .describe("Those who block at depth 0, each followed by those who wait for it"),
          }),
        },
      },
    },
    async () => {
      const { total, idle, waiting } = db.poolCounts();
      const plain = (rows: readonly object[]) => rows.map((row) => ({ ...row }));
      return {
        pool: { max: maxConnections, open: total, idle, waiting },
        replicas: replicas.state().map(({ address, isUsed, lagMs, reason }) => ({
          address,
          used: isUsed,
          lag_ms: lagMs ?? null,
          reason: reason ?? null,
        })),
        server: plain(await db.rows(healthStatements.connections, [])),
        idle_in_transaction: plain(await db.rows(healthStatements.idleInTransaction, [])),
        long_transactions: plain(await db.rows(healthStatements.longTransactions, [])),
        blocking: plain(await db.rows(healthStatements.blockingTree, [])),
      };
    },
  );
}

const counters = [
  "commits_total",
  "rollbacks_total",
  "blocks_hit_total",
  "blocks_read_total",
  "deadlocks_total",
  "temp_bytes_total",
  "rows_inserted_total",
  "rows_updated_total",
  "rows_deleted_total",
  "wal_bytes_total",
] as const;
