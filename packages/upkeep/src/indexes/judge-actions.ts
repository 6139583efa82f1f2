import { type Db, identifier, statement } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { parseCreation, schemaOf } from "./index-ddl.ts";

/** Compares the minutes since the index is there with the hours before, once there were 30 calls. */
const judge = statement<[], { id: string; verdict: string }>(
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
);
const readPresent = statement<[index: string], { is_there: boolean }>(
  "indexes.read_present",
  "SELECT true AS is_there WHERE to_regclass($1) IS NOT NULL",
);

/** Looks whether indexes that were made for statements made them faster; gives how many it could tell of. */
export async function judgeActions(db: Db): Promise<number> {
  return (await db.rows(judge, [])).length;
}

const listVain = statement<[], { finding: IndexFinding; mean_before_ms: number; mean_after_ms: number; state: string }>(
  "index_actions.list_vain",
  `SELECT DISTINCT ON (finding_id) finding, mean_before_ms, mean_after_ms, state
     FROM index_actions WHERE verdict = 'did_not_help' AND ended_at > now() - interval '30 days'
    ORDER BY finding_id, requested_at DESC`,
);

/** Indexes that were made and did not help: as findings of their own, to be taken back, and not to be made again. */
export async function findDisappointments(db: Db): Promise<{ found: IndexFinding[]; tried: ReadonlySet<string> }> {
  const vain = await db.rows(listVain, []);
  const found: IndexFinding[] = [];
  for (const { finding, mean_before_ms, mean_after_ms } of vain) {
    const created = parseCreation(finding.statements[0] ?? "");
    const index = created && `${schemaOf(created.table)}${identifier(created.index)}`;
    if (index === undefined || (await db.rows(readPresent, [index])).length === 0) continue;
    found.push({
      id: `unhelpful:${finding.id}`,
      kind: "unhelpful",
      table: finding.table,
      index,
      bytes: finding.bytes,
      reason: "It was made for statements that did not become faster by a tenth",
      evidence: { ...finding.evidence, mean_before_ms, mean_after_ms },
      confidence: "likely",
      statements: finding.undo,
      undo: finding.statements,
    });
  }
  return { found, tried: new Set(vain.map(({ finding }) => finding.id)) };
}
