import { setTimeout as sleep } from "node:timers/promises";
import {
  addMonths,
  createMonthlyPartition,
  type Db,
  isPassing,
  type Month,
  monthAt,
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
}

export interface PartitionKeeper {
  /** Makes the partitions that are missing; gives the months that are outside the window and get none. */
  ensure(months: Iterable<Month>): Promise<Set<Month>>;
  /** Makes the current month's partition and those of the coming months. */
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
  const { db, table, window, premakeMonths, now = () => new Date() } = options;
  let known: ReadonlySet<Month> | undefined;

  async function create(missing: readonly Month[]): Promise<void> {
    for (const month of missing) await withRetries(() => createMonthlyPartition(db, table, month));
    known = await partitionMonths(db, table);
  }

  return {
    async ensure(months) {
      const time = now().getTime();
      const first = monthAt(new Date(time - window.maxAgeDays * dayMs));
      const last = monthAt(new Date(time + window.maxAheadDays * dayMs));
      const outside = new Set<Month>();
      const missing: Month[] = [];
      known ??= await partitionMonths(db, table);
      for (const month of months) {
        if (month < first || month > last) outside.add(month);
        else if (!known.has(month)) missing.push(month);
      }
      if (missing.length > 0) await create(missing);
      return outside;
    },

    async premake() {
      const current = monthAt(now());
      const wanted = Array.from({ length: premakeMonths + 1 }, (_, count) => addMonths(current, count));
      const existing = await partitionMonths(db, table);
      await create(wanted.filter((month) => !existing.has(month)));
    },

    forget() {
      known = undefined;
    },
  };
}

/** A lock that a long transaction holds, or a race with another worker, is worth another try. */
async function withRetries(work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || attempt + 1 >= maxTries) throw error;
      await sleep(backoffMs({ baseMs: 100, maxMs: 3_000 }, attempt));
    }
  }
}
