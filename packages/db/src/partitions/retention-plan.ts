import type { Month } from "./monthly.ts";
import { endOf, type Partition } from "./partition-list.ts";

export interface RetentionPolicy {
  /** A partition goes when its newest event could be older than that. */
  readonly maxAgeDays: number | undefined;
  /** The oldest go until those that are left take up no more than this, with indexes. */
  readonly maxBytes: number | undefined;
  /** For so long a partition is kept after it was taken out of the table, and can be put back. */
  readonly graceDays: number;
  /** Where partitions are written to before they are dropped; without it they are just dropped. */
  readonly exportDir: string | undefined;
}

/** What is to be done next with a partition. Later steps become due later, or when the earlier ones are done. */
export interface RetentionStep {
  readonly action: "detach" | "finish_detaching" | "export" | "drop";
  readonly partition: string;
  readonly month: Month;
  readonly bytes: number;
  readonly reason: string;
  /** The strongest lock and what it keeps out, for people. */
  readonly locks: string;
}

/** Why a month was taken out that an operator took out: retention keeps it until they drop it as well. */
export const byHand = "by hand";

const dayMs = 86_400_000;

const locks = {
  detach: "SHARE UPDATE EXCLUSIVE on the table: reads and writes go on",
  finish_detaching: "SHARE UPDATE EXCLUSIVE on the table, ACCESS EXCLUSIVE on the partition, which nobody reads",
  export: "ACCESS SHARE on a table that nobody uses",
  drop: "ACCESS EXCLUSIVE on a table that nobody uses",
} as const;

/**
 * What a policy asks for now, the oldest partition first. The month of `now` and coming ones are never taken, and
 * neither is a detached table that retention did not detach: somebody else meant something by it. What was begun by hand
 * and not finished is finished, no more.
 */
export function planRetention(
  partitions: readonly Partition[],
  { maxAgeDays, maxBytes, graceDays, exportDir }: RetentionPolicy,
  now: Date,
): RetentionStep[] {
  const steps: RetentionStep[] = [];
  const add = (action: RetentionStep["action"], { name, month, bytes = 0 }: Partition, reason: string): void => {
    steps.push({ action, partition: name, month, bytes, reason, locks: locks[action] });
  };
  const attached = partitions.filter(({ state }) => state === "attached");
  let total = attached.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  for (const partition of partitions) {
    const { state, month, bytes = 0, detachReason, detachedAt, exportFile } = partition;
    // Who began it may have died with the server going on by itself.
    const isUnnoted = state === "detached" && detachReason !== undefined && detachedAt === undefined;
    if (state === "detaching" || isUnnoted) {
      add("finish_detaching", partition, detachReason ?? "a detachment was interrupted");
    }
    if (state === "detached" && detachReason !== undefined && detachReason !== byHand && detachedAt !== undefined) {
      const keptUntil = detachedAt.getTime() + graceDays * dayMs;
      if (now.getTime() < keptUntil) continue;
      if (exportDir !== undefined && exportFile === undefined) add("export", partition, detachReason);
      add("drop", partition, detachReason);
    }
    if (state !== "attached" || endOf(month) > now) continue;
    const ageDays = (now.getTime() - endOf(month).getTime()) / dayMs;
    if (maxAgeDays !== undefined && ageDays > maxAgeDays) {
      add("detach", partition, `older than ${maxAgeDays} days`);
      total -= bytes;
    } else if (maxBytes !== undefined && total > maxBytes) {
      add("detach", partition, `all partitions take ${total} bytes, more than ${maxBytes}`);
      total -= bytes;
    }
  }
  return steps;
}
