import type { Db } from "../db.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";
import { addMonths, type Month, partitionNameOf } from "./monthly.ts";

export interface Partition {
  readonly name: string;
  readonly month: Month;
  /** `detaching`: taken out by half, and read by nobody any more; `detached`: a table by itself. */
  readonly state: "attached" | "detaching" | "detached";
  /** With indexes and TOAST; `undefined` while somebody has it locked. */
  readonly bytes: number | undefined;
  /** As the planner estimates. */
  readonly rows: number;
  readonly detachingSince: Date | undefined;
  readonly detachReason: string | undefined;
  readonly detachedAt: Date | undefined;
  readonly settledAt: Date | undefined;
  readonly exportFile: string | undefined;
}

interface PartitionRow {
  readonly name: string;
  readonly state: Partition["state"];
  readonly bytes: string | null;
  readonly rows: number;
  readonly detaching_since: Date | null;
  readonly detach_reason: string | null;
  readonly detached_at: Date | null;
  readonly settled_at: Date | null;
  readonly export_file: string | null;
}

/** The catalogue says what there is; `partition_states` only what was meant with it. */
const readStates = statement<[parent: string, parentName: string, likeName: string], PartitionRow>(
  "partitions.read_states",
  `WITH parent AS (
     SELECT oid, relnamespace FROM pg_class WHERE oid = to_regclass($1)
   ), locked AS (
     SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND locktype = 'relation'
   )
   SELECT tables.relname AS name,
          CASE WHEN inhparent IS NULL THEN 'detached' WHEN inhdetachpending THEN 'detaching' ELSE 'attached' END AS state,
          -- The size of a locked table is waited for.
          CASE WHEN tables.oid NOT IN (SELECT relation FROM locked) THEN pg_total_relation_size(tables.oid) END AS bytes,
          greatest(tables.reltuples, 0)::float8 AS rows,
          detaching_since, detach_reason, detached_at, settled_at, export_file
     FROM parent
     JOIN pg_class AS tables ON tables.relnamespace = parent.relnamespace AND tables.relkind = 'r'
                            AND tables.relname LIKE $3
     LEFT JOIN pg_inherits ON inhrelid = tables.oid AND inhparent = parent.oid
     LEFT JOIN partition_states AS states ON states.parent = $2 AND states.partition = tables.relname
    ORDER BY tables.relname`,
);

/** The partitions of `table`, the oldest first, and the tables that were. */
export async function listPartitions(db: Db, table: string): Promise<Partition[]> {
  const like = `${table.replaceAll(/[\\%_]/g, "\\$&")}\\_y____m__`;
  const rows = await db.rows(readStates, [identifier(table), table, like]);
  return rows.flatMap((row) => {
    const match = /_y(\d{4})m(\d{2})$/.exec(row.name);
    if (match === null) return [];
    return {
      name: row.name,
      month: `${match[1]}-${match[2]}`,
      state: row.state,
      bytes: row.bytes === null ? undefined : Number(row.bytes),
      rows: row.rows,
      detachingSince: row.detaching_since ?? undefined,
      detachReason: row.detach_reason ?? undefined,
      detachedAt: row.detached_at ?? undefined,
      settledAt: row.settled_at ?? undefined,
      exportFile: row.export_file ?? undefined,
    };
  });
}

/** When the month after it begins: from then on its events are late ones. */
export function endOf(month: Month): Date {
  return new Date(`${addMonths(month, 1)}-01T00:00:00Z`);
}

/** The month of a partition by its month or by its name. */
export function monthOf(table: string, text: string): Month | undefined {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text;
  const month = text.replace(/^.*_y(\d{4})m(\d{2})$/, "$1-$2");
  return partitionNameOf(table, month) === text ? month : undefined;
}
