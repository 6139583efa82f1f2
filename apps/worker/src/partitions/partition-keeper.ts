import { setTimeout as sleep } from "node:timers/promises";
import {
  addMonths,
  createMonthlyPartition,
  type Db,
  isPassing,
  type Month,
  monthAt,
  PartitionDetachedError,
  partitionMonths,
} from "@millrace/db";
import { backoffMs } from "@millrace/runtime";

export interface PartitionKeeperOptions {
  readonly db: Db;
  readonly table: string;
  /** Which times get a partition; whole months, so that the edges are generous. */
  readonly window: { readonly maxAgeDays: number; readonly maxAheadDays: number };
  readonly premakeMonths: number;
  readonly now?: () => Date;
  /** Told when the partition of a month cannot be made; once until `forget` or `premake`. */
  readonly onDetached?: (month: Month, error: PartitionDetachedError) => void;
}

/** Why a month gets no partition. */
export type MonthRefusal = "outside_accepted_window" | "partition_detached";

export interface PartitionKeeper {
  /** Makes the partitions that are missing; gives the months that get none, and why. */
  ensure(months: Iterable<Month>): Promise<Map<Month, MonthRefusal>>;
  /** Makes the current month's partition and those of the coming months; looks again at detached ones. */
  premake(): Promise<void>;
  /** Forgets what it knows of existing partitions, after PostgreSQL said that one is missing. */
  forget(): void;
}

const dayMs = 24 * 3_600_000;
const maxTries = 8;

/**
 * Partitions come from the clock and from the accepted window, never from the newest row: an idle
 * table gets its next partition, and one row dated far ahead makes none.
 */
export function createPartitionKeeper(options: PartitionKeeperOptions): PartitionKeeper {
  const { db, table, window, premakeMonths, now = () => new Date(), onDetached } = options;
  const detached = new Set<Month>();
  let known: ReadonlySet<Month> | undefined;

  async function create(missing: readonly Month[]): Promise<void> {
    for (const month of missing) {
      try {
        await withRetries(() => createMonthlyPartition(db, table, month));
      } catch (error) {
        if (!(error instanceof PartitionDetachedError)) throw error;
        detached.add(month);
        onDetached?.(month, error);
      }
    }
    known = await partitionMonths(db, table);
  }

  return {
    async ensure(months) {
      const time = now().getTime();
      const first = monthAt(new Date(time - window.maxAgeDays * dayMs));
      const last = monthAt(new Date(time + window.maxAheadDays * dayMs));
      // What is no month, as of a year with five digits, may still lie between them as text does.
      const isInside = (month: Month): boolean => /^\d{4}-\d{2}$/.test(month) && month >= first && month <= last;
      const inside = [...months].filter(isInside);
      known ??= await partitionMonths(db, table);
      const missing = inside.filter((month) => !known?.has(month) && !detached.has(month));
      if (missing.length > 0) await create(missing);
      const refused = new Map<Month, MonthRefusal>();
      for (const month of months) {
        if (!isInside(month)) refused.set(month, "outside_accepted_window");
        else if (detached.has(month)) refused.set(month, "partition_detached");
      }
      return refused;
    },

    async premake() {
      detached.clear();
      const current = monthAt(now());
      const wanted = Array.from({ length: premakeMonths + 1 }, (_, count) => addMonths(current, count));
      const existing = await partitionMonths(db, table);
      await create(wanted.filter((month) => !existing.has(month)));
    },

    forget() {
      known = undefined;
      detached.clear();
    },
  };
}

/** A lock that a long transaction holds, or a race with another worker, is worth another try. */
async function withRetries(work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PartitionDetachedError || !isPassing(error) || attempt + 1 >= maxTries) throw error;
      await sleep(backoffMs({ baseMs: 100, maxMs: 3_000 }, attempt));
    }
  }
}
