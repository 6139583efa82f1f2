import { type Db, type Postgres, statement } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { parseCreation } from "./index-ddl.ts";
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
      WHERE NOT EXISTS (SELECT FROM index_actions
                         WHERE finding_id = finding ->> 'id' AND state IN ('planned', 'running'))
     RETURNING id`,
  ),

  listPending: statement<[findings: readonly string[]], { id: string }>(
    "index_actions.list_pending",
    "SELECT id FROM index_actions WHERE finding_id = ANY ($1) AND state IN ('planned', 'running')",
  ),

  getById: statement<[id: string], IndexAction>("index_actions.get_by_id", "SELECT * FROM index_actions WHERE id = $1"),

  listRecent: statement<[limit: number], IndexAction>(
    "index_actions.list_recent",
    "SELECT * FROM index_actions ORDER BY requested_at DESC LIMIT $1",
  ),

  /** What is there from a try before this one stays: the statements were slower then. */
  begin: statement<[id: string], never>(
    "index_actions.begin",
    `UPDATE index_actions SET state = 'running', started_at = clock_timestamp(), error = NULL,
            mean_before_ms = coalesce(mean_before_ms, (
              SELECT sum(total_ms) / nullif(sum(calls), 0) FROM statement_minutes
               WHERE minute >= now() - interval '6 hours'
                 AND statement IN (SELECT jsonb_array_elements_text(finding -> 'evidence' -> 'statements'))))
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

  noteError: statement<[id: string, error: string], never>(
    "index_actions.note_error",
    "UPDATE index_actions SET error = $2 WHERE id = $1",
  ),
} as const;

/** Writes down what is to be done, unless it is being done; gives the ids. */
export async function requestActions(db: Db, findings: readonly IndexFinding[]): Promise<string[]> {
  await db.run(actionStatements.request, [JSON.stringify(findings)]);
  return (await db.rows(actionStatements.listPending, [findings.map(({ id }) => id)])).map(({ id }) => id);
}

/** What was asked for and done, the newest first. */
export async function recentActions(db: Db, limit: number): Promise<IndexAction[]> {
  return await db.rows(actionStatements.listRecent, [limit]);
}

/** One of them, if there is such a one. */
export async function actionById(db: Db, id: string): Promise<IndexAction | undefined> {
  return (await db.rows(actionStatements.getById, [id]))[0];
}

/**
 * Does what was asked for, or undoes it. Done again after a crash it goes on where it was. Rejects only when it is
 * aborted or the database is away; what PostgreSQL refuses is written down. An undoing that failed can be asked for again.
 */
export async function runAction(
  db: Postgres,
  id: string,
  direction: "apply" | "undo",
  options: DdlOptions = {},
): Promise<ActionState> {
  const action = await actionById(db, id);
  if (action === undefined) throw new Error(`There is no action ${id}`);
  const isDue = direction === "undo" ? action.state === "done" : !["done", "undone"].includes(action.state);
  if (!isDue) return action.state;
  try {
    if (direction === "apply") await apply(db, action, options);
    else for (const text of topSteps(action.finding.undo)) await runIndexDdl(db, text, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    if (direction === "undo") {
      await db.run(actionStatements.noteError, [id, text]);
      return action.state;
    }
    await db.run(actionStatements.end, [id, "failed", text]);
    return "failed";
  }
  const state = direction === "apply" ? "done" : "undone";
  await db.run(actionStatements.end, [id, state, null]);
  return state;
}

async function apply(db: Postgres, action: IndexAction, options: DdlOptions): Promise<void> {
  const { id, finding, statements_done } = action;
  if (statements_done.length === 0) await requireStillTrue(db, finding);
  await db.run(actionStatements.begin, [id]);
  for (const text of topSteps(finding.statements)) {
    if (statements_done.includes(text)) continue;
    await runIndexDdl(db, text, options);
    await db.run(actionStatements.noteDone, [id, text]);
  }
}

/** Without the steps for the parts of a partitioned table, which its own first step takes with it. */
function topSteps(texts: readonly string[]): readonly string[] {
  const isTree = parseCreation(texts[0] ?? "")?.isOnly === true;
  return isTree ? texts.filter((text, at) => at === 0 || !/^(?:CREATE|ALTER INDEX)/.test(text)) : texts;
}

const readKeeper = statement<[index: string], { valid: boolean }>(
  "indexes.read_keeper",
  "SELECT indisvalid AND indisready AS valid FROM pg_index WHERE indexrelid = to_regclass($1)",
);
const readScans = statement<[index: string], { scans: number }>(
  "indexes.read_scans",
  `SELECT coalesce(sum(idx_scan), 0)::float8 AS scans FROM pg_stat_user_indexes
    WHERE indexrelid IN (SELECT relid FROM pg_partition_tree(to_regclass($1)) UNION SELECT to_regclass($1))`,
);

/** Hours may lie between the look and the change. */
async function requireStillTrue(db: Db, { kind, index, evidence }: IndexFinding): Promise<void> {
  const keeper = evidence["same_as"] ?? evidence["covered_by"];
  if (typeof keeper === "string" && (await db.rows(readKeeper, [keeper]))[0]?.valid !== true) {
    throw new Error(`${keeper}, which makes ${index} needless, is not there any more`);
  }
  if (kind !== "unused" || index === null) return;
  const [use] = await db.rows(readScans, [index]);
  if (use !== undefined && use.scans > Number(evidence["scans"])) throw new Error(`${index} has been used since`);
}
