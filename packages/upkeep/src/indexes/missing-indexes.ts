import { type Db, identifier, statement } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { bareName, creationOf, cutName, dropOf, type PartitionTree } from "./index-ddl.ts";

interface ForeignKeyRow {
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly referenced: string;
  readonly rows: number;
}

/**
 * Foreign keys whose columns no index begins with: each DELETE of what is referenced reads the whole table. One that
 * leaves out NULLs serves as well.
 */
const listBareForeignKeys = statement<[minRows: number], ForeignKeyRow>(
  "indexes.list_bare_foreign_keys",
  `SELECT c.conrelid::regclass::text AS table, c.conname AS name, c.confrelid::regclass::text AS referenced,
          ARRAY(SELECT attname FROM unnest(c.conkey) WITH ORDINALITY AS key (attnum, at)
                  JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = key.attnum ORDER BY at)::text[] AS columns,
          t.rows
     FROM pg_constraint AS c
    CROSS JOIN LATERAL (
      SELECT sum(greatest(reltuples, 0))::float8 AS rows FROM pg_class
       WHERE relkind <> 'p' AND (oid = c.conrelid OR oid IN (SELECT relid FROM pg_partition_tree(c.conrelid)))
    ) AS t
    WHERE c.contype = 'f' AND c.conparentid = 0 AND t.rows >= $1
      -- What an index's condition says is waited for while somebody has the table locked.
      AND NOT EXISTS (SELECT FROM pg_locks WHERE relation = c.conrelid AND mode = 'AccessExclusiveLock' AND granted)
      AND NOT EXISTS (
        SELECT FROM pg_index AS x
          JOIN pg_class AS i ON i.oid = x.indexrelid
          JOIN pg_am ON pg_am.oid = i.relam AND amname IN ('btree', 'hash')
         WHERE x.indrelid = c.conrelid AND x.indisvalid
           AND (x.indpred IS NULL OR pg_get_expr(x.indpred, x.indrelid) = (
             SELECT format('(%I IS NOT NULL)', attname) FROM pg_attribute
              WHERE attrelid = c.conrelid AND attnum = c.conkey[1] AND cardinality(c.conkey) = 1))
           AND (x.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
      )`,
);

interface ScannedRow {
  readonly table: string;
  readonly seq_scans: number;
  readonly index_scans: number;
  readonly rows_per_scan: number;
  readonly rows: number;
  /** Statements of ours that were seen to do so. */
  readonly read_by: readonly string[];
}

/** Tables that are mostly read from end to end although they are large. Of partitions, all together. */
const listScanned = statement<[minRows: number], ScannedRow>(
  "indexes.list_scanned_tables",
  `WITH tables AS (
     SELECT coalesce(pg_partition_root(relid), relid) AS root, sum(seq_scan)::float8 AS seq_scans,
            sum(coalesce(idx_scan, 0))::float8 AS index_scans, sum(seq_tup_read)::float8 AS read,
            sum(n_live_tup)::float8 AS rows
       FROM pg_stat_user_tables GROUP BY 1
   )
   SELECT root::regclass::text AS table, seq_scans, index_scans, read / seq_scans AS rows_per_scan, rows,
          ARRAY(SELECT DISTINCT statement FROM statement_plans, pg_class
                 WHERE last_seen_at > now() - interval '1 day' AND relkind = 'r'
                   AND (pg_class.oid = root OR pg_class.oid IN (SELECT relid FROM pg_partition_tree(root)))
                   AND jsonb_path_exists(plan, '$.** ? (@."Node Type" == "Seq Scan" && @."Relation Name" == $table)',
                                         jsonb_build_object('table', relname))
                 ORDER BY 1 LIMIT 10) AS read_by
     FROM tables WHERE rows >= $1 AND seq_scans > 100 AND seq_scans > index_scans AND read / seq_scans >= $1
    ORDER BY read DESC LIMIT 20`,
);

/** Indexes that the schema itself or the server's counts of scans ask for. */
export async function findMissing(db: Db, tree: PartitionTree, minRows = 10_000): Promise<IndexFinding[]> {
  const foreignKeys = (await db.rows(listBareForeignKeys, [1_000])).map(
    ({ table, name, columns, referenced, rows }) => {
      const index = cutName(`${bareName(table)}_${columns.join("_")}_fk`);
      return {
        id: `missing_foreign_key:${table}:${name}`,
        kind: "missing_foreign_key" as const,
        table,
        index: null,
        bytes: null,
        reason: `A DELETE in ${referenced}, or an UPDATE of its key, reads all of ${table}`,
        evidence: { constraint: name, columns, rows },
        confidence: "likely" as const,
        ...creationTexts(tree, { table, index, columns }),
      };
    },
  );
  const scanned = (await db.rows(listScanned, [minRows])).map(({ table, ...evidence }) => ({
    id: `missing_by_scans:${table}`,
    kind: "missing_by_scans" as const,
    table,
    index: null,
    bytes: null,
    reason: "Most of its reads go through all of it; where the statements that do so can be told, read_by has them",
    evidence,
    confidence: "possible" as const,
    statements: [],
    undo: [],
  }));
  return [...foreignKeys, ...scanned];
}

/** How an index on columns is made and taken back. */
export function creationTexts(
  tree: PartitionTree,
  { table, index, columns }: { table: string; index: string; columns: readonly string[] },
): Pick<IndexFinding, "statements" | "undo"> {
  const rest = `(${columns.map((column) => identifier(column)).join(", ")})`;
  return {
    statements: creationOf(tree, { isUnique: false, table, index, rest }),
    undo: [dropOf(tree, { table, index })],
  };
}
