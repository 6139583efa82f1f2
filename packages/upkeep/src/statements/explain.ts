import { type Db, sqlState, sqlStateOf, statement } from "@millrace/db";
import { type PlanNode, planFingerprint } from "./plan-fingerprint.ts";
import type { StatementCall } from "./statement-stats.ts";

export interface ExplainedCall {
  readonly plan: PlanNode;
  readonly fingerprint: string;
  readonly parameters: readonly string[];
}

const protect = statement<[], unknown>(
  "monitor.protect",
  "SELECT set_config('statement_timeout', '1000', true), set_config('lock_timeout', '100', true)",
);

/** Only these can be explained; the others, such as COPY, have no plan. */
const explainable = /^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b/i;

/**
 * The plan for the values of a call, which is not run; `undefined` where there is none, or where somebody has a table
 * locked: then it is not waited for.
 */
export async function explain(db: Db, { text, params }: StatementCall): Promise<ExplainedCall | undefined> {
  if (!explainable.test(text)) return undefined;
  const explainStatement = statement<readonly unknown[], { "QUERY PLAN": readonly { Plan: PlanNode }[] }>(
    "monitor.explain",
    `EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS) ${text}`,
  );
  const [row] = await db
    .transaction(async (tx) => {
      await tx.rows(protect, []);
      return await tx.rows(explainStatement, params);
    })
    .catch((error: unknown) => {
      const code = sqlStateOf(error);
      if (code === sqlState.lockNotAvailable || code === sqlState.queryCanceled) return [];
      throw error;
    });
  const plan = row?.["QUERY PLAN"][0]?.Plan;
  return plan && { plan: withoutValues(plan), fingerprint: planFingerprint(plan), parameters: params.map(kindOf) };
}

/** What names things, whose digits are no values. */
const isName = /^(?:.+ )?(?:Name|Alias|Schema|Type|Relationship|Operation|Mode|Strategy|Direction|Provider)$/;
/** A name in quotes, a text, and a number that is not part of a name, of `$1` or of `(InitPlan 1)`. */
const nameTextOrNumber = /"(?:[^"]|"")*"|'(?:[^']|'')*'|(?<![\w$.]|Plan )-?\d[\d.]*(?:e[+-]?\d+)?(?!\w)/g;

/** A plan as it is, but for the values in its conditions: they may be personal. */
export function withoutValues<Plan>(plan: Plan): Plan {
  const text = JSON.stringify(plan, (key, value: unknown) =>
    typeof value === "string" && !isName.test(key)
      ? value.replaceAll(nameTextOrNumber, (found) => (found[0] === '"' ? found : found[0] === "'" ? "'?'" : "?"))
      : value,
  );
  // The same shape with other texts in it.
  return JSON.parse(text) as Plan;
}

/** What a value is like, without what it is: it may be personal. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (value instanceof Date) return "time";
  if (Buffer.isBuffer(value)) return `bytes(${value.length})`;
  if (Array.isArray(value)) return `${value.length === 0 ? "" : kindOf(value[0])}[${value.length}]`;
  if (typeof value === "string") return `text(${value.length})`;
  return typeof value;
}
