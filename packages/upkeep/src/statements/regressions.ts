import { type Db, statement } from "@millrace/db";

/** A statement that became slower when its plan became another. */
export interface PlanRegression {
  readonly statement: string;
  readonly since: Date;
  readonly meanBeforeMs: number;
  readonly meanAfterMs: number;
  readonly planBefore: unknown;
  readonly planAfter: unknown;
}

interface ChangeRow {
  readonly statement: string;
  readonly since: Date;
  readonly before_ms: number;
  readonly after_ms: number;
  readonly plan_before: unknown;
  readonly plan_after: unknown;
}

/**
 * Means of up to an hour on either side of each change of plans, from the minutes' counts. A change counts when it at
 * least doubled the mean, by 20 ms or more, over at least 30 calls on either side; of several of a statement the worst.
 */
const listChanges = statement<[since: Date], ChangeRow>(
  "statement_plans.list_regressions",
  `WITH found AS (
     SELECT DISTINCT ON (change.statement) change.*,
            before.ms / before.calls AS before_ms, after.ms / after.calls AS after_ms,
            after.ms - after.calls * before.ms / before.calls AS lost_ms
       FROM statement_plan_changes AS change
      CROSS JOIN LATERAL (
         SELECT sum(total_ms) AS ms, sum(calls)::float8 AS calls FROM statement_minutes AS m
          WHERE m.statement = change.statement AND minute < date_trunc('minute', changed_at)
            AND minute >= changed_at - interval '1 hour'
       ) AS before
      CROSS JOIN LATERAL (
         SELECT sum(total_ms) AS ms, sum(calls)::float8 AS calls FROM statement_minutes AS m
          WHERE m.statement = change.statement AND minute > date_trunc('minute', changed_at)
            AND minute < changed_at + interval '1 hour'
       ) AS after
      WHERE changed_at >= $1 AND before.calls >= 30 AND after.calls >= 30
        AND after.ms / after.calls >= 2 * before.ms / before.calls
        AND after.ms / after.calls >= before.ms / before.calls + 20
      ORDER BY change.statement, lost_ms DESC
   )
   SELECT found.statement, changed_at AS since, before_ms, after_ms,
          (SELECT plan FROM statement_plans AS p WHERE p.statement = found.statement AND plan_hash = plan_before)
            AS plan_before,
          (SELECT plan FROM statement_plans AS p WHERE p.statement = found.statement AND plan_hash = plan_after)
            AS plan_after
     FROM found
    ORDER BY lost_ms DESC`,
);

/** Regressions that began since then, the costliest first. */
export async function planRegressions(db: Db, since: Date): Promise<PlanRegression[]> {
  return (await db.rows(listChanges, [since])).map((row) => ({
    statement: row.statement,
    since: row.since,
    meanBeforeMs: row.before_ms,
    meanAfterMs: row.after_ms,
    planBefore: row.plan_before,
    planAfter: row.plan_after,
  }));
}

const listPlans = statement<[statement: string], PlanRow>(
  "statement_plans.list",
  `SELECT plan_hash, plan, parameters, duration_ms, is_slow, first_seen_at, last_seen_at, seen::float8 AS seen
     FROM statement_plans WHERE statement = $1 ORDER BY last_seen_at DESC LIMIT 10`,
);

export interface PlanRow {
  readonly plan_hash: string;
  readonly plan: unknown;
  readonly parameters: readonly string[];
  readonly duration_ms: number;
  readonly is_slow: boolean;
  readonly first_seen_at: Date;
  readonly last_seen_at: Date;
  readonly seen: number;
}

/** The plans that a statement was seen with, the last one first. */
export async function plansOf(db: Db, name: string): Promise<PlanRow[]> {
  return await db.rows(listPlans, [name]);
}
