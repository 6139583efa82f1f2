import { type Db, statement } from "@millrace/db";

/** An index that stands for itself: one of a table, of a partition alone, or of a partitioned table with all below it. */
export interface IndexFacts {
  readonly schema: string;
  readonly name: string;
  /** Schema and table, quoted as SQL needs it. */
  readonly tableSql: string;
  readonly indexSql: string;
  /** The partitioned tables that its table is a part of. */
  readonly ancestors: readonly string[];
  readonly method: string;
  /** Each key with all that matters to it: column or expression, collation, operator class, direction. */
  readonly keys: readonly string[];
  /** Its columns and expressions alone, the included ones last. */
  readonly columns: readonly string[];
  readonly predicate: string | null;
  readonly isUnique: boolean;
  /** Whether two NULLs count as the same value. */
  readonly areNullsSame: boolean;
  /** Whether a duplicate may stand until the transaction ends, so that nothing can refer to it or infer it. */
  readonly isDeferrable: boolean;
  readonly isConstraint: boolean;
  readonly isReplicaIdentity: boolean;
  readonly isValid: boolean;
  readonly isBeingBuilt: boolean;
  /** Of all partitions together. */
  readonly bytes: number;
  readonly scans: number;
  readonly lastScanAt: Date | null;
  /** When it was first noticed; PostgreSQL does not tell when it was made. */
  readonly seenSince: Date | null;
  /** Bytes that its entries would take in a fresh B-tree, by the planner's statistics; `null` where they do not tell. */
  readonly expectedBytes: number | null;
  readonly definition: string;
  readonly comment: string | null;
  readonly supportsForeignKey: boolean;
}

/**
 * ACCESS SHARE on the catalogues and nothing else; the size of an index that somebody has locked is left out, and so
 * are all indexes of a table that somebody has locked: they would be waited for. Expected bytes, for each part by its own statistics: an entry is 8 bytes of header, 4 of line
 * pointer and its aligned values, in pages filled as they are told to be. Where a part was not looked at since it got
 * rows, or is no B-tree, nothing is expected of the whole.
 */
const listIndexes = statement<[], IndexFacts>(
  "indexes.list_facts",
  `WITH RECURSIVE members AS (
     SELECT indexrelid AS root, indexrelid AS member FROM pg_index
      WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
      UNION ALL
     SELECT root, inhrelid FROM members JOIN pg_inherits ON inhparent = member
   ), locked AS MATERIALIZED (
     SELECT relation FROM pg_locks
      WHERE mode = 'AccessExclusiveLock' AND granted AND locktype = 'relation' AND relation IS NOT NULL
   ), building AS MATERIALIZED (
     SELECT index_relid FROM pg_stat_progress_create_index
   ), stats AS MATERIALIZED (
     SELECT schemaname, tablename, attname, ceil(avg_width * (1 - null_frac) / 8.0) * 8 AS width
       FROM pg_stats WHERE NOT inherited
   ), keys AS MATERIALIZED (
     -- What an expression gives is looked at under the index's own name.
     SELECT member, n.nspname AS schemaname, CASE WHEN a.attnum IS NULL THEN i.relname ELSE t.relname END AS tablename,
            coalesce(a.attname, own.attname) AS attname
       FROM members
       JOIN pg_index AS x ON x.indexrelid = member
       JOIN pg_class AS i ON i.oid = member AND i.relkind = 'i'
       JOIN pg_class AS t ON t.oid = x.indrelid
       JOIN pg_namespace AS n ON n.oid = t.relnamespace
       JOIN pg_attribute AS own ON own.attrelid = member
       LEFT JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[own.attnum - 1] AND a.attnum > 0
   ), widths AS MATERIALIZED (
     SELECT member, count(*) = count(width) AS is_known, sum(width) AS bytes
       FROM keys LEFT JOIN stats USING (schemaname, tablename, attname) GROUP BY member
   ), measured AS MATERIALIZED (
     SELECT root, member,
            CASE WHEN i.relkind <> 'i' OR member IN (SELECT relation FROM locked) THEN 0
                 ELSE coalesce(pg_relation_size(member), 0) END::float8 AS bytes,
            coalesce(pg_stat_get_numscans(member), 0) AS scans,
            member IN (SELECT index_relid FROM building) AS building,
            CASE
              WHEN i.relkind <> 'i' THEN 0
              WHEN am.amname <> 'btree' OR NOT widths.is_known
                OR (least(i.reltuples, t.reltuples) < 0 AND live.rows = 0) THEN NULL
              -- What came since the last look is in the table's own count.
              ELSE (2 + ceil(greatest(i.reltuples, CASE WHEN x.indpred IS NULL THEN live.rows
                                                        ELSE i.reltuples * live.rows / nullif(t.reltuples, 0) END)
                             * (12 + widths.bytes)
                             / (8192 * coalesce(substring(array_to_string(i.reloptions, ' ') FROM 'fillfactor=(\\d+)')::int,
                                                90) / 100.0))) * 8192
            END::float8 AS expected
       FROM members
       JOIN pg_class AS i ON i.oid = member
       JOIN pg_index AS x ON x.indexrelid = member
       JOIN pg_class AS t ON t.oid = x.indrelid
       JOIN pg_am AS am ON am.oid = i.relam
       LEFT JOIN widths USING (member)
      CROSS JOIN LATERAL (SELECT coalesce(pg_stat_get_live_tuples(x.indrelid), 0) AS rows) AS live
   ), uses AS MATERIALIZED (
     SELECT indexrelid, (to_jsonb(stats) ->> 'last_idx_scan')::timestamptz AS last_scan FROM pg_stat_all_indexes AS stats
   ), sizes AS (
     SELECT root, sum(bytes) AS bytes, sum(scans)::float8 AS scans, max(last_scan) AS last_scan,
            bool_or(building) AS building, CASE WHEN count(*) = count(expected) THEN sum(expected) END AS expected
       FROM measured LEFT JOIN uses ON indexrelid = member GROUP BY root
   )
   SELECT n.nspname AS schema, i.relname AS name,
          t.oid::regclass::text AS "tableSql", i.oid::regclass::text AS "indexSql",
          ARRAY(SELECT relid::regclass::text FROM pg_partition_ancestors(t.oid) WHERE relid <> t.oid) AS ancestors,
          am.amname AS method,
          ARRAY(SELECT concat_ws(' ', pg_get_indexdef(x.indexrelid, k, true), x.indcollation[k - 1], x.indclass[k - 1],
                                 x.indoption[k - 1])
                  FROM generate_series(1, x.indnkeyatts) AS k ORDER BY k) AS keys,
          ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true)
                  FROM generate_series(1, x.indnatts) AS k ORDER BY k) AS columns,
          pg_get_expr(x.indpred, x.indrelid) AS predicate,
          x.indisunique AS "isUnique", NOT x.indimmediate AS "isDeferrable",
          coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::bool, false) AS "areNullsSame",
          EXISTS (SELECT FROM pg_constraint WHERE conindid = x.indexrelid) AS "isConstraint",
          x.indisreplident AS "isReplicaIdentity",
          x.indisvalid AND x.indisready AS "isValid", sizes.building AS "isBeingBuilt",
          sizes.bytes, sizes.scans, sizes.last_scan AS "lastScanAt", sizes.expected AS "expectedBytes",
          (SELECT first_seen_at FROM index_sightings WHERE index_oid = x.indexrelid) AS "seenSince",
          pg_get_indexdef(x.indexrelid) AS definition, obj_description(x.indexrelid, 'pg_class') AS comment,
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
      AND t.oid NOT IN (SELECT relation FROM locked)
    ORDER BY 1, 3, 2`,
);

const readStatisticsAge = statement<[], { age_ms: number }>(
  "indexes.read_statistics_age",
  `SELECT extract(epoch FROM clock_timestamp() - greatest(stats_reset, pg_postmaster_start_time()))::float8 * 1000 AS age_ms
     FROM pg_stat_database WHERE datname = current_database()`,
);

const noteSightings = statement<[], never>(
  "index_sightings.note",
  `WITH gone AS (
     DELETE FROM index_sightings WHERE NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = index_oid)
   )
   INSERT INTO index_sightings (index_oid)
   SELECT indexrelid FROM pg_index WHERE indrelid >= 16384 ON CONFLICT DO NOTHING`,
);

/** Notes which indexes there are, since of one that was not there nobody can say that it was not used. */
export async function noteIndexes(db: Db): Promise<void> {
  await db.run(noteSightings, []);
}

/** All indexes of the database's own schemas. */
export async function readIndexFacts(db: Db): Promise<IndexFacts[]> {
  return await db.rows(listIndexes, []);
}

/** For how long the server has counted the use of indexes. A restart after a crash begins anew. */
export async function statisticsAgeMs(db: Pick<Db, "rows">): Promise<number> {
  const [row] = await db.rows(readStatisticsAge, []);
  return row?.age_ms ?? 0;
}
