import {
  analyseParent,
  ExportUnderWayError,
  forgetReattachedPartitions,
  listPartitions,
  type Postgres,
  partitionsToSettle,
  planRetention,
  type RetentionPolicy,
  retentionNow,
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
  /** Default: the earlier one of this process's clock and the database's. */
  readonly now?: () => Promise<Date>;
}

/**
 * Premakes, then retires, then settles: coming events matter most. What a lock or a long reader keeps from being done
 * is left to the next run, and so is all that comes after a run that was killed.
 */
export function keepPartitions(needs: KeepPartitionsNeeds) {
  const { db, table, keeper, now = () => retentionNow(needs.db) } = needs;
  return async (run: Run): Promise<void> => {
    await keeper.premake();
    const reattached = await forgetReattachedPartitions(db, table);
    if (reattached > 0) run.changed("reattached", reattached);
    await retire(run, needs, await now());
    await settle(run, needs, await now());
  };
}

async function retire(run: Run, { db, table, retention, waitForReadersMs = 60_000 }: KeepPartitionsNeeds, now: Date) {
  const { exportDir } = retention;
  const putOff = new Set<string>();
  for (const step of planRetention(await listPartitions(db, table), retention, now)) {
    // What could not be exported must not be dropped.
    if (putOff.has(step.partition)) continue;
    await run.giveWay();
    try {
      await retirePartition(db, step, { table, exportDir, waitForReadersMs, signal: run.signal });
      run.changed(step.action);
    } catch (error) {
      if (!isInUse(error)) throw error;
      run.changed(`${step.action}_put_off`);
      putOff.add(step.partition);
      // Only one partition of a table can be half detached, so that the others wait for this one.
      if (step.action === "detach" || step.action === "finish_detaching") break;
    }
  }
}

async function settle(run: Run, { db, table }: KeepPartitionsNeeds, now: Date): Promise<void> {
  let settled = 0;
  for (const { name } of partitionsToSettle(await listPartitions(db, table), now)) {
    await run.giveWay();
    const isSettled = await settlePartition(db, table, name).catch((error: unknown) => {
      if (!isInUse(error)) throw error;
      return false;
    });
    run.changed(isSettled ? "settled" : "settle_put_off");
    if (isSettled) settled += 1;
  }
  if (settled > 0) await analyseParent(db, table);
}

function isInUse(error: unknown): boolean {
  const code = sqlStateOf(error);
  return (
    error instanceof ExportUnderWayError ||
    code === sqlState.lockNotAvailable ||
    code === sqlState.queryCanceled ||
    code === sqlState.deadlockDetected
  );
}
