import { type Db, statement } from "@millrace/db";

export interface IndexRow {
  readonly table: string;
  readonly name: string;
  readonly method: string;
  /** Each key with its operator class, in order. */
  readonly keys: readonly string[];
  /** Columns that are carried along without being keys. */
  readonly included: readonly string[];
  readonly predicate: string | null;
  readonly is_unique: boolean;
  readonly is_valid: boolean;
  readonly comment: string | null;
}

/** Every index of ours; those of single partitions are left out, their parent stands for them. */
const selectIndexes = statement<[], IndexRow>(
  "test.indexes",
  `SELECT tables.relname AS table, indexes.relname AS name, pg_am.amname AS method,
          ARRAY(
            SELECT pg_get_indexdef(indexrelid, key, true) || ' ' || pg_opclass.opcname
              FROM generate_series(1, indnkeyatts) AS key JOIN pg_opclass ON pg_opclass.oid = indclass[key - 1]
             ORDER BY key
          ) AS keys,
          ARRAY(
            SELECT pg_get_indexdef(indexrelid, key, true) FROM generate_series(indnkeyatts + 1, indnatts) AS key
          ) AS included,
          pg_get_expr(indpred, indrelid) AS predicate,
          indisunique AS is_unique, indisvalid AS is_valid,
          obj_description(indexrelid, 'pg_class') AS comment
     FROM pg_index
     JOIN pg_class AS indexes ON indexes.oid = indexrelid
     JOIN pg_class AS tables ON tables.oid = indrelid
     JOIN pg_am ON pg_am.oid = indexes.relam
    WHERE tables.relnamespace = 'public'::regnamespace AND NOT indexes.relispartition
    ORDER BY tables.relname, indexes.relname`,
);

const ownTables = [
  "api_keys",
  "balances",
  "blocks",
  "dead_letters",
  "nonces",
  "reports",
  "sessions",
  "telemetry_events",
  "telemetry_events_quarantine",
  "users",
  "writes",
];

/** The indexes of the tables that the first migrations make; what the runner keeps for itself is left out. */
export async function readIndexes(db: Db): Promise<IndexRow[]> {
  return (await db.rows(selectIndexes, [])).filter((index) => ownTables.includes(index.table));
}

/** The name in a comment `serves feature.verb_object`. */
export function servedStatement(index: IndexRow): string | undefined {
  return /^serves ([a-z_]+\.[a-z_]+)$/.exec(index.comment ?? "")?.[1];
}
