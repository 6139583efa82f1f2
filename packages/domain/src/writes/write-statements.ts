import { statement } from "@millrace/db";
import type { CachedKey } from "../cache-keys.ts";
import type { JsonRow, Outcome } from "./contract.ts";

/** What is remembered of a write that was applied or refused. */
export interface WriteRow {
  readonly id: string;
  readonly kind: string;
  readonly outcome: Outcome;
  /** What PostgreSQL said, where it refused the write. */
  readonly detail: string | null;
  /** The row as the write left it; null when it changed none. */
  readonly row: JsonRow | null;
  /** What is cached of what it changed. */
  readonly touched: readonly CachedKey[];
  /** Nobody can be served what was there before. Until then the write counts as one that is still queued. */
  readonly is_settled: boolean;
  /** The key that made it; null for a write that was queued before this was noted. */
  readonly key_id: string | null;
  readonly accepted_at: Date;
  readonly finished_at: Date;
}

export const writeStatements = {
  getById: statement<[id: string], WriteRow>("writes.get_by_id", `SELECT * FROM writes WHERE id = $1`),

  findMany: statement<[ids: readonly string[]], WriteRow>(
    "writes.find_many",
    `SELECT * FROM writes WHERE id = ANY($1::uuid[])`,
  ),

  /** Until the end of the transaction nobody else applies writes of these entities. In order, so that nobody waits in a circle. */
  lockEntities: statement<[entities: readonly string[]], { locked: string }>(
    "writes.lock_entities",
    `SELECT count(pg_advisory_xact_lock(hash)) AS locked
       FROM (SELECT DISTINCT hashtextextended(entity, 7381) AS hash
               FROM unnest($1::text[]) AS entity ORDER BY hash) AS hashes`,
  ),

  remember: statement<[results: string], never>(
    "writes.remember",
    `INSERT INTO writes (id, kind, outcome, detail, row, touched, key_id, accepted_at)
     SELECT id, kind, outcome, detail, row, touched, key_id, accepted_at
       FROM jsonb_to_recordset($1::jsonb)
         AS x(id uuid, kind text, outcome text, detail text, row jsonb, touched jsonb, key_id text, accepted_at timestamptz)`,
  ),

  settle: statement<[ids: readonly string[]], never>(
    "writes.settle",
    `UPDATE writes SET is_settled = true WHERE id = ANY($1::uuid[]) AND NOT is_settled`,
  ),

  /** Deletes up to `limit` of those that were finished before then. Processes that do this at once take different ones. */
  deleteFinished: statement<[before: Date, limit: number], never>(
    "writes.delete_finished",
    `WITH old AS (
       SELECT id FROM writes
        WHERE finished_at < $1
        ORDER BY finished_at
        LIMIT $2
          FOR UPDATE SKIP LOCKED
     )
     DELETE FROM writes USING old WHERE writes.id = old.id`,
  ),
} as const;
