import { type Replicas, statement } from "@millrace/db";
import { statisticsAgeMs } from "./index-facts.ts";

/** How indexes are used on standbys, each of which counts for itself. */
export interface ReplicaUse {
  /** By schema.index; of a partitioned table's by its own index, with all parts. */
  readonly scans: ReadonlyMap<string, number>;
  /** For how long all of them have counted; 0 when one could not be asked. */
  readonly countedMs: number;
}

const listScans = statement<[], { index: string; scans: number }>(
  "indexes.list_scans",
  `WITH RECURSIVE members AS (
     SELECT indexrelid AS root, indexrelid AS member FROM pg_index
      WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
      UNION ALL
     SELECT root, inhrelid FROM members JOIN pg_inherits ON inhparent = member
   )
   SELECT nspname || '.' || pg_class.relname AS index, sum(idx_scan)::float8 AS scans
     FROM members
     JOIN pg_stat_user_indexes AS stats ON stats.indexrelid = member
     JOIN pg_class ON pg_class.oid = root
     JOIN pg_namespace AS n ON n.oid = relnamespace
    GROUP BY 1 HAVING sum(idx_scan) > 0`,
);

/** Asks all standbys that there are. Without any the answer is that they counted for ever. */
export async function useOnReplicas(replicas: Pick<Replicas, "askEach" | "state">): Promise<ReplicaUse> {
  const answers = await replicas.askEach(async (db) => ({
    rows: await db.rows(listScans, []),
    ageMs: await statisticsAgeMs(db),
  }));
  const scans = new Map<string, number>();
  for (const { index, scans: count } of answers.flatMap(({ rows }) => rows)) {
    scans.set(index, (scans.get(index) ?? 0) + count);
  }
  const isWhole = answers.length === replicas.state().length;
  return { scans, countedMs: isWhole ? Math.min(...answers.map(({ ageMs }) => ageMs), Number.MAX_VALUE) : 0 };
}
