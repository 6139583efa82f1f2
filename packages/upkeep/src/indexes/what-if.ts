import { type Db, sqlStateOf, statement } from "@millrace/db";

export interface WhatIf {
  /** In the planner's units. */
  readonly costBefore: number;
  readonly costAfter: number;
}

type Plan = readonly { readonly Plan: { readonly "Total Cost": number } }[];

const readText = statement<[name: string], { text: string; has_hypopg: boolean }>(
  "indexes.read_text",
  `SELECT text, EXISTS (SELECT FROM pg_extension WHERE extname = 'hypopg') AS has_hypopg
     FROM server_statements WHERE statement = $1 LIMIT 1`,
);
const protect = statement<[], unknown>(
  "indexes.protect",
  `SELECT set_config('statement_timeout', '2000', true), set_config('lock_timeout', '100', true),
          set_config('plan_cache_mode', 'force_generic_plan', true)`,
);
const countParameters = statement<[name: string], { count: number }>(
  "indexes.count_parameters",
  "SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = $1",
);
const imagine = statement<[ddl: string], unknown>("indexes.imagine", "SELECT indexname FROM hypopg_create_index($1)");
const forget = statement<[], unknown>("indexes.forget_imagined", "SELECT hypopg_reset()");

let count = 0;

/**
 * What the planner says of a statement of ours with an index that is only imagined, by the extension HypoPG; nothing is
 * built. Values do not come into it: the plan is the generic one. `undefined` where the extension is not installed, the
 * statement's text is not known, or the index cannot be imagined.
 */
export async function whatIf(db: Db, name: string, creation: readonly string[]): Promise<WhatIf | undefined> {
  const [known] = await db.rows(readText, [name]);
  if (known === undefined || !known.has_hypopg) return undefined;
  try {
    // What is imagined lives in one connection.
    return await db.transaction(async (tx) => {
      await tx.rows(protect, []);
      const costBefore = await genericCost(tx, known.text);
      // Of a partitioned table that of each part; its own cannot be imagined, and is not needed for a plan.
      for (const text of creation.filter((one) => / CONCURRENTLY /.test(one))) {
        await tx.rows(imagine, [text.replace(" CONCURRENTLY", "")]);
      }
      try {
        return { costBefore, costAfter: await genericCost(tx, known.text) };
      } finally {
        await tx.rows(forget, []);
      }
    });
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Prepared anew each time, since a prepared statement keeps its plan. */
async function genericCost(tx: Db, text: string): Promise<number> {
  count += 1;
  const prepared = `millrace_what_if_${count}`;
  const command = (sql: string) => statement<[], { "QUERY PLAN": Plan }>("indexes.what_if", sql);
  await tx.run(command(`PREPARE ${prepared} AS ${text}`), []);
  try {
    const [{ count: parameters } = { count: 0 }] = await tx.rows(countParameters, [prepared]);
    const values = parameters === 0 ? "" : `(${Array.from({ length: parameters }, () => "NULL").join(", ")})`;
    const [row] = await tx.rows(command(`EXPLAIN (FORMAT JSON) EXECUTE ${prepared}${values}`), []);
    return row?.["QUERY PLAN"][0]?.Plan["Total Cost"] ?? 0;
  } finally {
    await tx.run(command(`DEALLOCATE ${prepared}`), []).catch(() => {}); // the transaction failed; the name is used once
  }
}
