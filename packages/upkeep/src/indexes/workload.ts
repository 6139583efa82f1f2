import { type Db, identifier, statement } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { bareName, cutName, type PartitionTree } from "./index-ddl.ts";
import { creationTexts } from "./missing-indexes.ts";
import { columnsFor, type PlanNode, type PlanScan, scansIn } from "./plan-scans.ts";
import { whatIf } from "./what-if.ts";

interface SlowStatement {
  readonly statement: string;
  readonly plan: PlanNode;
  readonly calls: number;
  readonly mean_ms: number;
}

/** The statements that are slow, or take their share of the server's time, and read a table from end to end. */
const listCostly = statement<[since: Date], SlowStatement>(
  "indexes.list_costly_statements",
  `SELECT m.statement, p.plan, m.calls, m.total_ms / m.calls AS mean_ms
     FROM (SELECT statement, sum(calls)::float8 AS calls, sum(total_ms) AS total_ms,
                  sum(sum(total_ms)) OVER () AS all_ms
             FROM statement_minutes WHERE minute >= $1 GROUP BY statement) AS m
     JOIN LATERAL (SELECT plan FROM statement_plans WHERE statement_plans.statement = m.statement
                    ORDER BY last_seen_at DESC LIMIT 1) AS p ON true
    WHERE m.calls > 0 AND p.plan::text LIKE '%Seq Scan%'
      AND (m.total_ms / m.calls >= 50 OR (m.calls >= 20 AND m.total_ms >= 0.01 * m.all_ms))
    ORDER BY m.total_ms DESC LIMIT 50`,
);

interface TableRow {
  readonly table: string;
  readonly rows: number;
  readonly pages: number;
  readonly columns: Readonly<Record<string, number>>;
  readonly led_by: readonly string[];
}

/** Size of a table (a partition's stands for its parent) and the columns that its indexes begin with. */
const readTable = statement<[table: string], TableRow>(
  "indexes.read_table",
  `WITH target AS (SELECT coalesce(pg_partition_root(to_regclass($1)), to_regclass($1)) AS oid),
        parts AS (SELECT relid FROM target, pg_partition_tree(target.oid) UNION SELECT oid FROM target)
   SELECT target.oid::regclass::text AS table,
          (SELECT sum(greatest(reltuples, 0))::float8 FROM pg_class WHERE oid IN (SELECT relid FROM parts)) AS rows,
          (SELECT sum(relpages)::float8 FROM pg_class WHERE oid IN (SELECT relid FROM parts)) AS pages,
          (SELECT jsonb_object_agg(attname, attnum) FROM pg_attribute
            WHERE attrelid = target.oid AND attnum > 0 AND NOT attisdropped) AS columns,
          ARRAY(SELECT a.attname::text FROM pg_index
                  JOIN pg_attribute AS a ON a.attrelid = indrelid AND a.attnum = indkey[0]
                 WHERE indrelid = target.oid AND indisvalid AND indpred IS NULL) AS led_by
     FROM target WHERE target.oid IS NOT NULL`,
);

/** Smaller tables are read from end to end faster than through an index. */
const minRows = 10_000;

/**
 * Indexes that statements of the last hours would use: for each scan of a large table that keeps few of its rows, the
 * columns compared for equality first, then one compared otherwise. A candidate counts when the plan's cost would at
 * least halve: as the planner says of the imagined index where HypoPG is installed, else by the planner's estimate of the
 * rows that are kept, fetching each of them from a page of its own against reading all pages.
 */
export async function findMissingForWorkload(db: Db, tree: PartitionTree, since: Date): Promise<IndexFinding[]> {
  const found = new Map<string, IndexFinding>();
  for (const { statement: name, plan, calls, mean_ms } of await db.rows(listCostly, [since])) {
    for (const scan of scansIn(plan)) {
      const { node } = scan;
      const { "Relation Name": relation = "", Schema: schema = "public" } = node;
      const [table] = await db.rows(readTable, [`${identifier(schema)}.${identifier(relation)}`]);
      if (table === undefined || table.rows < minRows) continue;
      const columns = columnsFor(scan, new Set(Object.keys(table.columns)));
      const [first] = columns;
      if (first === undefined || table.led_by.includes(first)) continue;
      const id = `missing_by_workload:${table.table}:${columns.join(",")}`;
      const before = (found.get(id)?.evidence["statements"] ?? []) as string[]; // as put there
      // Each part of a partitioned table is read by a node of its own.
      if (before.includes(name)) continue;
      const kept = keptOf(scan, table);
      const index = cutName(`${bareName(table.table)}_${columns.join("_")}_idx`);
      const creation = creationTexts(tree, { table: table.table, index, columns });
      const imagined = await whatIf(db, name, creation.statements);
      const { costBefore, costAfter } = imagined ?? {
        costBefore: node["Total Cost"] ?? 0,
        costAfter: Math.min(kept, table.pages) * 1.1 + kept * 0.015 + 10,
      };
      if (costAfter > costBefore / 2) continue;
      found.set(id, {
        id,
        kind: "missing_by_workload",
        table: table.table,
        index: null,
        bytes: Math.round(table.rows * 12 * columns.length + table.rows * 12),
        reason: `${name} reads ${Math.round(table.rows)} rows to keep ${Math.round(kept)}`,
        evidence: {
          statements: [...before, name],
          calls,
          mean_ms,
          cost_before: costBefore,
          cost_after: costAfter,
          judged_by: imagined === undefined ? "estimate" : "hypopg",
          columns,
        },
        confidence: "likely",
        ...creation,
      });
    }
  }
  return [...found.values()];
}

/** The rows that would be read by the index: without a filter just those that are wanted. */
function keptOf({ node, wanted, sortKeys }: PlanScan, { rows }: TableRow): number {
  const kept = node["Plan Rows"] ?? rows;
  return node.Filter === undefined && sortKeys.length > 0 ? Math.min(kept, wanted ?? kept) : kept;
}
