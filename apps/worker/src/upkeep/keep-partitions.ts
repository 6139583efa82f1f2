import {
  analyseParent,
  listPartitions,
  type Postgres,
  partitionsToSettle,
  planRetention,
  type RetentionPolicy,
  retirePartition,
  settlePartition,
  sqlState,
  sqlStateOf,
} from "@millrace/db";
import type { Run } from "@millrace/upkeep";
import type { PartitionKeeper } from "../partitions/partition-keeper.ts";

export interface KeepPartitionsNeeds {
  /** With time-outs for work that takes minutes. */
  readonly db: Postgres;
  readonly table: string;
  readonly keeper: Pick<PartitionKeeper, "premake">;
  readonly retention: RetentionPolicy;
  /** For so long a detachment waits for those who read the partition. Default: 60 s. */
  readonly waitForReadersMs?: number;
  readonly now?: () => Date;
}

/**
 * Premakes, then retires, then settles: coming events matter most. What a lock or a long reader keeps from being done
 * is left to the next run, and so is all that comes after a run that was killed.
 */
export function keepPartitions(needs: KeepPartitionsNeeds) {
  const { db, table, keeper, retention, waitForReadersMs = 60_000, now = () => new Date() } = needs;
  return async (run: Run): Promise<void> => {
    await keeper.premake();
    const { exportDir } = retention;
    for (const step of planRetention(await listPartitions(db, table), retention, now())) {
      await run.giveWay();
      try {
        await retirePartition(db, step, { table, exportDir, waitForReadersMs, signal: run.signal });
        run.changed(step.action);
      } catch (error) {
        if (!isInUse(error)) throw error;
        run.changed(`${step.action}_put_off`);
        // Only one partition of a table can be half detached, so that the others wait for this one.
        break;
      }
    }
    const settled = partitionsToSettle(await listPartitions(db, table), now());
    for (const { name } of settled) {
      await run.giveWay();
      await settlePartition(db, table, name);
      run.changed("settled");
    }
    if (settled.length > 0) await analyseParent(db, table);
  };
}

function isInUse(error: unknown): boolean {
  const code = sqlStateOf(error);
  return code === sqlState.lockNotAvailable || code === sqlState.queryCanceled || code === sqlState.deadlockDetected;
}
