import { type Db, statement } from "@millrace/db";
import type { AcknowledgedWrite } from "./writers.ts";

export interface WriteVerdict {
  readonly acknowledged: number;
  /** Of those, how many were not applied, or not with what they set. */
  readonly lost: number;
  /** Changes of a row beyond one for each write. */
  readonly doubled: number;
  /** Acknowledged writes that were applied before one that was acknowledged earlier. */
  readonly disordered: number;
}

interface AppliedWrite {
  readonly id: string;
  readonly address: string;
  readonly name: string;
  readonly version: number;
}

const listApplied = statement<[], AppliedWrite>(
  "chaos.list_applied",
  `SELECT id, row->>'address' AS address, row->>'display_name' AS name, (row->>'version')::int AS version
     FROM writes WHERE kind = 'users.save' AND outcome = 'done'`,
);
const countChanges = statement<[], { changes: number; writes: number }>(
  "chaos.count_changes",
  `SELECT (SELECT coalesce(sum(version), 0)::int FROM users) AS changes,
          (SELECT count(*)::int FROM writes WHERE kind = 'users.save' AND outcome = 'done') AS writes`,
);
const countSettled = statement<[], { settled: number }>(
  "chaos.count_settled",
  "SELECT count(*)::int AS settled FROM writes WHERE is_settled",
);

export async function settledWrites(db: Db): Promise<number> {
  const [row] = await db.rows(countSettled, []);
  return row?.settled ?? 0;
}

/** Compares what was acknowledged with what was applied. Each change of a row makes its version one more. */
export async function judgeWrites(db: Db, acknowledged: readonly AcknowledgedWrite[]): Promise<WriteVerdict> {
  const applied = await db.rows(listApplied, []);
  const [all] = await db.rows(countChanges, []);
  const byId = new Map(applied.map((write) => [write.id, write]));
  let lost = 0;
  let disordered = 0;
  const newest = new Map<string, number>();
  for (const { id, address, count } of acknowledged) {
    const found = byId.get(id);
    if (found === undefined || found.address !== address || found.name !== String(count)) {
      lost += 1;
      continue;
    }
    if (found.version <= (newest.get(address) ?? 0)) disordered += 1;
    newest.set(address, found.version);
  }
  const doubled = (all?.changes ?? 0) - (all?.writes ?? 0);
  return { acknowledged: acknowledged.length, lost, doubled, disordered };
}
