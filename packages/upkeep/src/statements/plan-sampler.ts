import { type Db, statement } from "@millrace/db";
import { explain } from "./explain.ts";
import type { StatementCall } from "./statement-stats.ts";

type NotePlanParams = [
  statement: string,
  fingerprint: string,
  plan: string,
  parameters: string,
  durationMs: number,
  isSlow: boolean,
];

/**
 * Keeps the plan of the slowest call of each kind of plan, and when one came after another; not more often than every
 * ten minutes for a statement whose values decide between two.
 */
const notePlan = statement<NotePlanParams, never>(
  "statement_plans.note",
  `WITH last AS (
     SELECT plan_hash FROM statement_plans WHERE statement = $1 ORDER BY last_seen_at DESC LIMIT 1
   ), changed AS (
     INSERT INTO statement_plan_changes AS change (statement, plan_before, plan_after)
     SELECT $1, plan_hash, $2 FROM last
      WHERE plan_hash <> $2
        AND NOT EXISTS (SELECT FROM statement_plan_changes
                         WHERE statement = $1 AND changed_at > clock_timestamp() - interval '10 minutes'
                           AND plan_before = last.plan_hash AND plan_after = $2)
         ON CONFLICT DO NOTHING
   )
   INSERT INTO statement_plans AS known (statement, plan_hash, plan, parameters, duration_ms, is_slow)
   VALUES ($1, $2, $3::jsonb, $4::jsonb, $5, $6)
       ON CONFLICT (statement, plan_hash) DO UPDATE
          SET last_seen_at = clock_timestamp(), seen = known.seen + 1, is_slow = known.is_slow OR EXCLUDED.is_slow,
              duration_ms = greatest(known.duration_ms, EXCLUDED.duration_ms),
              plan = CASE WHEN EXCLUDED.duration_ms > known.duration_ms THEN EXCLUDED.plan ELSE known.plan END,
              parameters =
                CASE WHEN EXCLUDED.duration_ms > known.duration_ms THEN EXCLUDED.parameters ELSE known.parameters END`,
);

export interface PlanSampler {
  /** Takes note of a call; nothing is done at once. */
  consider(call: StatementCall): void;
  /** Explains some of the slow calls, and some others whose plans were not looked at for a while. */
  sample(lastCalls: ReadonlyMap<string, StatementCall>): Promise<void>;
}

export interface PlanSamplerOptions {
  readonly db: Db;
  /** Calls that take longer are slow. Default: 50 ms. */
  readonly slowMs?: number;
  /** How many plans are looked at in one go. Default: 8. */
  readonly maxPlans?: number;
  readonly now?: () => number;
}

const slowAgainMs = 60_000;
const lookAgainMs = 600_000;
/** A call with longer values is not kept for its plan. */
const maxArray = 1_000;

/** Looks at plans beside the work: at most so many each time, and each statement seldom. */
export function createPlanSampler(options: PlanSamplerOptions): PlanSampler {
  const { db, slowMs = 50, maxPlans = 8, now = () => performance.now() } = options;
  const slow = new Map<string, StatementCall>();
  const sampledAt = new Map<string, number>();
  const isDue = (name: string, afterMs: number): boolean =>
    now() - (sampledAt.get(name) ?? Number.NEGATIVE_INFINITY) >= afterMs;

  return {
    consider(call) {
      if (call.durationMs < slowMs || isOwn(call.name) || isLarge(call)) return;
      const known = slow.get(call.name);
      if (known === undefined || known.durationMs < call.durationMs) slow.set(call.name, call);
    },

    async sample(lastCalls) {
      const slowCalls = [...slow.values()].filter(({ name }) => isDue(name, slowAgainMs));
      const others = [...lastCalls.values()].filter(
        (call) => !slow.has(call.name) && !isOwn(call.name) && !isLarge(call) && isDue(call.name, lookAgainMs),
      );
      for (const call of [...slowCalls, ...others].slice(0, maxPlans)) {
        sampledAt.set(call.name, now());
        slow.delete(call.name);
        const explained = await explain(db, call);
        if (explained === undefined) continue;
        const { plan, fingerprint, parameters } = explained;
        const isSlow = call.durationMs >= slowMs;
        await db.run(notePlan, [
          call.name,
          fingerprint,
          JSON.stringify(plan),
          JSON.stringify(parameters),
          call.durationMs,
          isSlow,
        ]);
      }
    },
  };
}

function isOwn(name: string): boolean {
  return name.startsWith("monitor.") || name === notePlan.name;
}

function isLarge({ params }: StatementCall): boolean {
  return params.some((value) => (Array.isArray(value) || typeof value === "string") && value.length > maxArray);
}
