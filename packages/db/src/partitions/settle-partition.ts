import type { Postgres } from "../connect.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";
import { endOf, type Partition } from "./partition-list.ts";
import { type LockPatience, withLockRetries } from "./with-lock-retries.ts";

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

const isWhollyVisible = statement<[partition: string], { visible: boolean }>(
  "partitions.is_wholly_visible",
  "SELECT relallvisible >= relpages AS visible FROM pg_class WHERE oid = to_regclass($1)",
);

const vacuumMs = 3_600_000;

/**
 * Freezes its rows for good, so that no later vacuum has to read them again, gives the planner its last statistics, and
 * merges the pending entries of GIN indexes. SHARE UPDATE EXCLUSIVE on the partition: reads and writes go on. Gives
 * whether that is done; a transaction that might still see what was there before keeps it from being, and it is due
 * again. Rejects with SQLSTATE 55P03 while somebody has the partition locked.
 */
export async function settlePartition(
  db: Postgres,
  table: string,
  partition: string,
  patience: Pick<LockPatience, "lockTimeoutMs" | "tries"> = {},
): Promise<boolean> {
  const vacuum = statement<[], never>("partitions.settle", `VACUUM (FREEZE, ANALYZE) ${identifier(partition)}`);
  const isDone = await withLockRetries(db, { ...patience, statementTimeoutMs: vacuumMs }, async (connection) => {
    await connection.run(vacuum, []);
    const [row] = await connection.rows(isWhollyVisible, [identifier(partition)]);
    return row?.visible === true;
  });
  if (isDone) await db.run(noteSettled, [table, partition]);
  return isDone;
}

/** Statistics of the table as a whole, which autovacuum never makes for a partitioned table. */
export async function analyseParent(db: Postgres, table: string): Promise<void> {
  const analyse = statement<[], never>("partitions.analyse_parent", `ANALYZE ${identifier(table)}`);
  await db.withConnection((connection) => connection.run(analyse, []));
}
