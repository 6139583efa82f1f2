import { type Db, identifier, statement } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";

interface ForeignKeyRow {
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly referenced: string;
  readonly rows: number;
}

/** Foreign keys whose columns no index begins with: each DELETE of what is referenced reads the whole table. */
const listBareForeignKeys = statement<[minRows: number], ForeignKeyRow>(
  "indexes.list_bare_foreign_keys",
  `SELECT c.conrelid::regclass::text AS table, c.conname AS name, c.confrelid::regclass::text AS referenced,
          ARRAY(SELECT attname FROM unnest(c.conkey) WITH ORDINALITY AS key (attnum, at)
                  JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = key.attnum ORDER BY at)::text[] AS columns,
          greatest(t.reltuples, 0)::float8 AS rows
     FROM pg_constraint AS c
     JOIN pg_class AS t ON t.oid = c.conrelid
    WHERE c.contype = 'f' AND c.conparentid = 0 AND greatest(t.reltuples, 0) >= $1
      AND NOT EXISTS (
        SELECT FROM pg_index AS x
         WHERE x.indrelid = c.conrelid AND x.indisvalid AND x.indpred IS NULL
           AND (x.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
      )`,
);

interface ScannedRow {
  readonly table: string;
  readonly seq_scans: number;
  readonly index_scans: number;
  readonly rows_per_scan: number;
  readonly rows: number;
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
   SELECT root::regclass::text AS table, seq_scans, index_scans, read / seq_scans AS rows_per_scan, rows
     FROM tables WHERE rows >= $1 AND seq_scans > 100 AND seq_scans > index_scans AND read / seq_scans >= $1
    ORDER BY read DESC LIMIT 20`,
);

/** Indexes that the schema itself or the server's counts of scans ask for. */
export async function findMissing(db: Db, minRows = 10_000): Promise<IndexFinding[]> {
  const foreignKeys = (await db.rows(listBareForeignKeys, [1_000])).map(
    ({ table, name, columns, referenced, rows }) => {
      const index = `${unquoted(table)}_${columns.join("_")}_fk`.slice(0, 63);
      return {
        id: `missing_foreign_key:${table}:${name}`,
        kind: "missing_foreign_key" as const,
        table,
        index: null,
        bytes: null,
        reason: `A DELETE in ${referenced}, or an UPDATE of its key, reads all of ${table}`,
        evidence: { constraint: name, columns, rows },
        confidence: "likely" as const,
        ...creationOf({ table, index, columns: columns.map((column) => identifier(column)) }),
      };
    },
  );
  const scanned = (await db.rows(listScanned, [minRows])).map(({ table, ...evidence }) => ({
    id: `missing_by_scans:${table}`,
    kind: "missing_by_scans" as const,
    table,
    index: null,
    bytes: null,
    reason: "Most of its reads go through all of it; /database/query-analysis tells which statements those are",
    evidence,
    confidence: "possible" as const,
    statements: [],
    undo: [],
  }));
  return [...foreignKeys, ...scanned];
}

/** How an index is made and taken back. `columns` as SQL writes them. */
export function creationOf({ table, index, columns }: { table: string; index: string; columns: readonly string[] }) {
  const { schema = "" } = nameParts.exec(table)?.groups ?? {};
  return {
    statements: [`CREATE INDEX CONCURRENTLY ${identifier(index)} ON ${table} (${columns.join(", ")})`],
    undo: [`DROP INDEX CONCURRENTLY ${schema}${identifier(index)}`],
  };
}

const nameParts = /^(?<schema>(?:"(?:[^"]|"")+"|\w+)\.)?(?<name>.*)$/s;

/** The bare name of a table for the names of its indexes. */
export function unquoted(table: string): string {
  return (nameParts.exec(table)?.groups?.["name"] ?? table).replaceAll('"', "");
}
