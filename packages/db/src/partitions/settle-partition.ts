import type { Postgres } from "../connect.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";
import { endOf, type Partition } from "./partition-list.ts";

/** A month is over for so long before its partition is settled; late events are rare after that. */
const restMs = 2 * 86_400_000;

/** Partitions whose month is over and that were not settled yet. */
export function partitionsToSettle(partitions: readonly Partition[], now: Date): readonly Partition[] {
  return partitions.filter(
    ({ state, month, settledAt }) =>
      state === "attached" && settledAt === undefined && now.getTime() > endOf(month).getTime() + restMs,
  );
}

const noteSettled = statement<[parent: string, partition: string], never>(
  "partitions.note_settled",
  `INSERT INTO partition_states (parent, partition, settled_at) VALUES ($1, $2, now())
       ON CONFLICT (parent, partition) DO UPDATE SET settled_at = now()`,
);

/**
 * Freezes its rows for good, so that no later vacuum has to read them again, gives the planner its last statistics, and
 * merges the pending entries of GIN indexes. SHARE UPDATE EXCLUSIVE on the partition: reads and writes go on.
 */
export async function settlePartition(db: Postgres, table: string, partition: string): Promise<void> {
  const vacuum = statement<[], never>(
    "partitions.settle",
    `VACUUM (FREEZE, ANALYZE, SKIP_LOCKED) ${identifier(partition)}`,
  );
  await db.withConnection((connection) => connection.run(vacuum, []));
  await db.run(noteSettled, [table, partition]);
}

/** Statistics of the table as a whole, which autovacuum never makes for a partitioned table. */
export async function analyseParent(db: Postgres, table: string): Promise<void> {
  const analyse = statement<[], never>("partitions.analyse_parent", `ANALYZE ${identifier(table)}`);
  await db.withConnection((connection) => connection.run(analyse, []));
}
