import { type Db, type Postgres, statement } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { type DdlOptions, runIndexDdl } from "./run-ddl.ts";

export type ActionState = "planned" | "running" | "done" | "failed" | "undone";

export interface IndexAction {
  readonly id: string;
  readonly finding_id: string;
  readonly kind: IndexFinding["kind"];
  readonly finding: IndexFinding;
  readonly state: ActionState;
  readonly requested_at: Date;
  readonly ended_at: Date | null;
  readonly error: string | null;
  readonly statements_done: readonly string[];
  readonly mean_before_ms: number | null;
  readonly mean_after_ms: number | null;
  /** Whether the statements that an index was made for became faster by a tenth or more. */
  readonly verdict: "helped" | "did_not_help" | null;
}

const actionStatements = {
  request: statement<[findings: string], { id: string }>(
    "index_actions.request",
    `INSERT INTO index_actions (finding_id, kind, finding)
     SELECT finding ->> 'id', finding ->> 'kind', finding FROM jsonb_array_elements($1::jsonb) AS finding
     RETURNING id`,
  ),

  getById: statement<[id: string], IndexAction>("index_actions.get_by_id", "SELECT * FROM index_actions WHERE id = $1"),

  listRecent: statement<[limit: number], IndexAction>(
    "index_actions.list_recent",
    "SELECT * FROM index_actions ORDER BY requested_at DESC LIMIT $1",
  ),

  begin: statement<[id: string], never>(
    "index_actions.begin",
    `UPDATE index_actions SET state = 'running', started_at = clock_timestamp(), error = NULL,
            mean_before_ms = (
              SELECT sum(total_ms) / nullif(sum(calls), 0) FROM statement_minutes
               WHERE minute >= now() - interval '1 hour'
                 AND statement IN (SELECT jsonb_array_elements_text(finding -> 'evidence' -> 'statements')))
      WHERE id = $1`,
  ),

  noteDone: statement<[id: string, text: string], never>(
    "index_actions.note_done",
    "UPDATE index_actions SET statements_done = statements_done || to_jsonb($2::text) WHERE id = $1",
  ),

  end: statement<[id: string, state: ActionState, error: string | null], never>(
    "index_actions.end",
    "UPDATE index_actions SET state = $2, error = $3, ended_at = clock_timestamp() WHERE id = $1",
  ),

  /** Compares the minutes since the index is there with the hour before, once there were 30 calls. */
  judge: statement<[], { id: string; verdict: string }>(
    "index_actions.judge",
    `UPDATE index_actions AS action
        SET mean_after_ms = after.mean,
            verdict = CASE WHEN after.mean <= 0.9 * action.mean_before_ms THEN 'helped' ELSE 'did_not_help' END
       FROM (SELECT a.id, sum(total_ms) / sum(calls) AS mean
               FROM index_actions AS a
               JOIN statement_minutes ON minute > a.ended_at
                AND statement IN (SELECT jsonb_array_elements_text(a.finding -> 'evidence' -> 'statements'))
              WHERE a.state = 'done' AND a.kind = 'missing_by_workload' AND a.verdict IS NULL
              GROUP BY a.id HAVING sum(calls) >= 30) AS after
      WHERE after.id = action.id AND action.mean_before_ms IS NOT NULL
     RETURNING action.id, action.verdict`,
  ),
} as const;

/** Writes down what is to be done; gives the ids. */
export async function requestActions(db: Db, findings: readonly IndexFinding[]): Promise<string[]> {
  return (await db.rows(actionStatements.request, [JSON.stringify(findings)])).map(({ id }) => id);
}

/** What was asked for and done, the newest first. */
export async function recentActions(db: Db, limit: number): Promise<IndexAction[]> {
  return await db.rows(actionStatements.listRecent, [limit]);
}

/** One of them, if there is such a one. */
export async function actionById(db: Db, id: string): Promise<IndexAction | undefined> {
  return (await db.rows(actionStatements.getById, [id]))[0];
}

/** Does what was asked for, or undoes it. Done again after a crash it goes on where it was. */
export async function runAction(
  db: Postgres,
  id: string,
  direction: "apply" | "undo",
  options: DdlOptions = {},
): Promise<ActionState> {
  const action = await actionById(db, id);
  if (action === undefined) throw new Error(`There is no action ${id}`);
  const { statements, undo } = action.finding;
  if (direction === "apply") {
    if (action.state === "done" || action.state === "undone") return action.state;
    await db.run(actionStatements.begin, [id]);
  }
  try {
    for (const text of direction === "apply" ? statements : undo) {
      if (direction === "apply" && action.statements_done.includes(text)) continue;
      await runIndexDdl(db, text, options);
      if (direction === "apply") await db.run(actionStatements.noteDone, [id, text]);
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    await db.run(actionStatements.end, [id, "failed", text]);
    return "failed";
  }
  const state = direction === "apply" ? "done" : "undone";
  await db.run(actionStatements.end, [id, state, null]);
  return state;
}

/** Looks whether indexes that were made for statements made them faster; gives how many it could tell of. */
export async function judgeActions(db: Db): Promise<number> {
  return (await db.rows(actionStatements.judge, [])).length;
}

/** Indexes that were made and did not help, as findings of their own: to be taken back. */
export async function findDisappointments(db: Db): Promise<IndexFinding[]> {
  const actions = await recentActions(db, 200);
  return actions
    .filter(({ state, verdict }) => state === "done" && verdict === "did_not_help")
    .map(({ finding, mean_before_ms, mean_after_ms }) => ({
      id: `disappointing:${finding.id}`,
      kind: "unused" as const,
      table: finding.table,
      index: finding.index,
      bytes: finding.bytes,
      reason: "It was made for statements that did not become faster",
      evidence: { ...finding.evidence, mean_before_ms, mean_after_ms },
      confidence: "likely" as const,
      statements: finding.undo,
      undo: finding.statements,
    }));
}
