import type { Cache } from "@millrace/cache";
import { type Db, statement } from "@millrace/db";
import {
  blockStatements,
  cacheKeys,
  keysOfSession,
  nonceStatements,
  sessionStatements,
  writeStatements,
} from "@millrace/domain";
import { type Run, runStatements } from "@millrace/upkeep";
import { inBatches } from "./in-batches.ts";

export interface CleanUpExpiredNeeds {
  readonly db: Db;
  readonly cache: Pick<Cache, "invalidate">;
  readonly keepWritesMs: number;
  readonly keepRecordsMs: number;
}

const listExpiredSince = statement<[since: Date], { id: string; a_addr: string; b_addr: string }>(
  "sessions.list_expired_since",
  "SELECT id, a_addr, b_addr FROM sessions WHERE state = 'ended' AND ended_at >= $1 AND end_reason = 'expired'",
);

const deleteOldSamples = [
  ["samples", "database_samples", "taken_at"],
  ["statement_minutes", "statement_minutes", "minute"],
  ["server_statement_minutes", "server_statement_minutes", "minute"],
  ["process_minutes", "process_minutes", "minute"],
  // What an alert did last is kept, however long ago: it may still have to be told.
  [
    "alert_events",
    "alert_events",
    "at",
    "id NOT IN (SELECT last_event_id FROM alerts WHERE last_event_id IS NOT NULL)",
  ],
  ["statement_plan_changes", "statement_plan_changes", "changed_at"],
  ["statement_plans", "statement_plans", "last_seen_at"],
  ["server_statements", "server_statements", "seen_on"],
].map(
  ([what = "", table, column, condition = "true"]) =>
    [
      what,
      statement<[before: Date, limit: number], never>(
        `${table}.delete_old`,
        `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ${table} WHERE ${column} < $1 AND ${condition} ORDER BY ${column} LIMIT $2))`,
      ),
    ] as const,
);

/**
 * Ends sessions whose time is over, removes what is no longer asked for, and thins out the records of upkeep itself.
 * A session's COMMIT comes before its invalidation; a run that died in between has it done by the next one.
 */
export function cleanUpExpired({ db, cache, keepWritesMs, keepRecordsMs }: CleanUpExpiredNeeds) {
  return async (run: Run): Promise<void> => {
    if (run.unfinishedSince !== undefined) {
      const ended = await db.rows(listExpiredSince, [run.unfinishedSince]);
      await cache.invalidate(ended.flatMap(keysOfSession));
    }
    await inBatches(run, "sessions_ended", async (limit) => {
      const ended = await db.rows(sessionStatements.endExpired, [limit]);
      await cache.invalidate(ended.flatMap(keysOfSession));
      return ended.length;
    });
    await inBatches(run, "blocks_removed", async (limit) => {
      const removed = await db.rows(blockStatements.deleteExpired, [limit]);
      await cache.invalidate(removed.map(({ blocker, blocked }) => cacheKeys.block(blocker, blocked)));
      return removed.length;
    });
    const now = Date.now();
    await inBatches(run, "nonces", (limit) => db.run(nonceStatements.deleteExpired, [new Date(now), limit]));
    await inBatches(run, "writes_forgotten", (limit) =>
      db.run(writeStatements.deleteFinished, [new Date(now - keepWritesMs), limit]),
    );
    const before = new Date(now - keepRecordsMs);
    for (const [what, deleteOld] of deleteOldSamples) {
      await inBatches(run, what, (limit) => db.run(deleteOld, [before, limit]));
    }
    await inBatches(run, "runs", (limit) => db.run(runStatements.deleteOld, [before, limit]));
  };
}
