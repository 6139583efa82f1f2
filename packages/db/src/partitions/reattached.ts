import type { Db } from "../db.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";

const forgetReattached = statement<[parent: string, parentName: string], never>(
  "partitions.forget_reattached",
  `UPDATE partition_states AS states
      SET detaching_since = NULL, detach_reason = NULL, detached_at = NULL,
          exported_at = NULL, export_file = NULL, export_sha256 = NULL, exported_rows = NULL
    WHERE parent = $2 AND detached_at IS NOT NULL
      AND EXISTS (SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
                   WHERE inhparent = to_regclass($1) AND child.relname = states.partition AND NOT inhdetachpending)`,
);

/**
 * Forgets that months were taken out that are in the table again, which an operator did. Should they take one out by
 * hand later, it would else be dropped for what retention meant with it before. Gives how many.
 */
export async function forgetReattachedPartitions(db: Db, table: string): Promise<number> {
  return await db.run(forgetReattached, [identifier(table), table]);
}
