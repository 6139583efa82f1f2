import { type Db, type Replicas, statement } from "@millrace/db";

/** An index that stands for itself: one of a table, of a partition alone, or of a partitioned table with all below it. */
export interface IndexFacts {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  /** Schema and table, quoted as SQL needs it. */
  readonly tableSql: string;
  readonly indexSql: string;
  readonly isPartitioned: boolean;
  readonly method: string;
  /** Each key with all that matters to it: column or expression, collation, operator class, direction. */
  readonly keys: readonly string[];
  readonly included: readonly string[];
  readonly predicate: string | null;
  readonly isUnique: boolean;
  readonly isConstraint: boolean;
  readonly isReplicaIdentity: boolean;
  readonly isValid: boolean;
  readonly isBeingBuilt: boolean;
  /** Of all partitions together. */
  readonly bytes: number;
  readonly scans: number;
  readonly lastScanAt: Date | null;
  readonly tableRows: number;
  /** Bytes that its entries would take in a fresh B-tree, by the planner's statistics; `null` for other methods. */
  readonly expectedBytes: number | null;
  readonly definition: string;
  readonly supportsForeignKey: boolean;
}

/**
 * ACCESS SHARE on the catalogues and nothing else; the size of an index that somebody has locked is left out, since
 * it would be waited for. Expected bytes: an entry is 8 bytes of header, 4 of line pointer and its aligned values, in
 * pages that are filled to 90 %.
 */
const listIndexes = statement<[], IndexFacts>(
  "indexes.list_facts",
  `WITH RECURSIVE members AS (
     SELECT indexrelid AS root, indexrelid AS member FROM pg_index
      WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
      UNION ALL
     SELECT root, inhrelid FROM members JOIN pg_inherits ON inhparent = member
   ), locked AS (
     SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND locktype = 'relation'
   ), building AS (
     SELECT index_relid FROM pg_stat_progress_create_index
   ), sizes AS (
     SELECT root,
            sum(CASE WHEN member NOT IN (SELECT relation FROM locked WHERE relation IS NOT NULL)
                      AND relkind = 'i' THEN pg_relation_size(member) ELSE 0 END)::float8 AS bytes,
            coalesce(sum(idx_scan), 0)::float8 AS scans,
            max((to_jsonb(stats) ->> 'last_idx_scan')::timestamptz) AS last_scan,
            bool_or(member IN (SELECT index_relid FROM building)) AS building,
            sum(CASE WHEN relkind = 'i' THEN greatest(pg_class.reltuples, 0) ELSE 0 END)::float8 AS entries
       FROM members
       JOIN pg_class ON pg_class.oid = member
       LEFT JOIN pg_stat_all_indexes AS stats ON stats.indexrelid = member
      GROUP BY root
   )
   SELECT n.nspname AS schema, t.relname AS table, i.relname AS name,
          t.oid::regclass::text AS "tableSql", i.oid::regclass::text AS "indexSql",
          i.relkind = 'I' AS "isPartitioned", am.amname AS method,
          ARRAY(SELECT concat_ws(' ', pg_get_indexdef(x.indexrelid, k, true), x.indcollation[k - 1], x.indclass[k - 1],
                                 x.indoption[k - 1])
                  FROM generate_series(1, x.indnkeyatts) AS k ORDER BY k) AS keys,
          ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true)
                  FROM generate_series(x.indnkeyatts + 1, x.indnatts) AS k ORDER BY k) AS included,
          pg_get_expr(x.indpred, x.indrelid) AS predicate,
          x.indisunique AS "isUnique",
          EXISTS (SELECT FROM pg_constraint WHERE conindid = x.indexrelid) AS "isConstraint",
          x.indisreplident AS "isReplicaIdentity",
          x.indisvalid AND x.indisready AS "isValid", sizes.building AS "isBeingBuilt",
          sizes.bytes, sizes.scans, sizes.last_scan AS "lastScanAt",
          (SELECT sum(greatest(reltuples, 0)) FROM pg_class
            WHERE oid = t.oid OR oid IN (SELECT relid FROM pg_partition_tree(t.oid)))::float8 AS "tableRows",
          CASE WHEN am.amname = 'btree' THEN
            (2 + ceil(sizes.entries * (12 + (
               SELECT sum(ceil(coalesce(stats.stawidth, 16) * (1 - coalesce(stats.stanullfrac, 0)) / 8.0) * 8)
                 FROM generate_series(1, x.indnatts) AS k
                 LEFT JOIN LATERAL (SELECT stawidth, stanullfrac FROM pg_statistic
                                     WHERE starelid = x.indrelid AND staattnum = x.indkey[k - 1]
                                     ORDER BY stainherit DESC LIMIT 1) AS stats ON true
             )) / (8192 * 0.9))) * 8192 END::float8 AS "expectedBytes",
          pg_get_indexdef(x.indexrelid) AS definition,
          EXISTS (SELECT FROM pg_constraint AS fk
                   WHERE fk.contype = 'f' AND fk.conrelid = x.indrelid
                     AND (x.indkey::int2[])[0:cardinality(fk.conkey) - 1] @> fk.conkey) AS "supportsForeignKey"
     FROM sizes
     JOIN pg_index AS x ON x.indexrelid = sizes.root
     JOIN pg_class AS i ON i.oid = x.indexrelid
     JOIN pg_class AS t ON t.oid = x.indrelid
     JOIN pg_namespace AS n ON n.oid = t.relnamespace
     JOIN pg_am AS am ON am.oid = i.relam
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY 1, 2, 3`,
);

const listScans = statement<[], { index: string; scans: number }>(
  "indexes.list_scans",
  "SELECT schemaname || '.' || indexrelname AS index, idx_scan::float8 AS scans FROM pg_stat_user_indexes WHERE idx_scan > 0",
);

/** How often indexes were used on standbys, by schema and name: each server counts for itself. */
export async function indexScansOn(replicas: Pick<Replicas, "askEach">): Promise<ReadonlyMap<string, number>> {
  const scans = new Map<string, number>();
  for (const rows of await replicas.askEach((db) => db.rows(listScans, []))) {
    for (const { index, scans: count } of rows) scans.set(index, (scans.get(index) ?? 0) + count);
  }
  return scans;
}

const readStatisticsAge = statement<[], { age_ms: number }>(
  "indexes.read_statistics_age",
  `SELECT extract(epoch FROM clock_timestamp() - greatest(stats_reset, pg_postmaster_start_time()))::float8 * 1000 AS age_ms
     FROM pg_stat_database WHERE datname = current_database()`,
);

/** All indexes of the database's own schemas. */
export async function readIndexFacts(db: Db): Promise<IndexFacts[]> {
  return await db.rows(listIndexes, []);
}

/** For how long the server has counted the use of indexes. A restart after a crash begins anew. */
export async function statisticsAgeMs(db: Db): Promise<number> {
  const [row] = await db.rows(readStatisticsAge, []);
  return row?.age_ms ?? 0;
}
