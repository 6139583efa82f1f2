import { statement } from "@millrace/db";

export interface BlockRow {
  readonly blocker: string;
  readonly blocked: string;
  readonly reason: string | null;
  readonly created_at: Date;
  /** Null: until it is removed. */
  readonly expires_at: Date | null;
}

/** A block that has expired counts as removed, whether its row is still there or not. */
export const blockStatements = {
  isBlocked: statement<[blocker: string, blocked: string], { is_blocked: boolean }>(
    "blocks.is_blocked",
    `SELECT EXISTS (
       SELECT FROM blocks
        WHERE blocker = $1 AND blocked = $2 AND (expires_at IS NULL OR expires_at > now())
     ) AS is_blocked`,
  ),

  /** Those of the pairs that are blocked; blocks whose time is over are among them. */
  findMany: statement<[blockers: readonly string[], blocked: readonly string[]], BlockRow>(
    "blocks.find_many",
    `SELECT blocks.* FROM blocks JOIN unnest($1::text[], $2::text[]) AS pair (one, other)
         ON blocks.blocker = pair.one AND blocks.blocked = pair.other`,
  ),

  /** Whether either has blocked the other: the two cannot call each other. */
  isBlockedEitherWay: statement<[one: string, other: string], { is_blocked: boolean }>(
    "blocks.is_blocked_either_way",
    `SELECT EXISTS (
       SELECT FROM blocks
        WHERE least(blocker, blocked) = least($1::address, $2::address)
          AND greatest(blocker, blocked) = greatest($1::address, $2::address)
          AND (expires_at IS NULL OR expires_at > now())
     ) AS is_blocked`,
  ),

  listByBlocker: statement<
    [blocker: string, beforeTime: Date | string, beforeBlocked: string, limit: number],
    BlockRow
  >(
    "blocks.list_by_blocker",
    `SELECT * FROM blocks
      WHERE blocker = $1 AND (created_at, blocked) < ($2, $3) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY created_at DESC, blocked DESC
      LIMIT $4`,
  ),

  listByBlocked: statement<
    [blocked: string, beforeTime: Date | string, beforeBlocker: string, limit: number],
    BlockRow
  >(
    "blocks.list_by_blocked",
    `SELECT * FROM blocks
      WHERE blocked = $1 AND (created_at, blocker) < ($2, $3) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY created_at DESC, blocker DESC
      LIMIT $4`,
  ),

  listRecent: statement<
    [beforeTime: Date | string, beforeBlocker: string, beforeBlocked: string, limit: number],
    BlockRow
  >(
    "blocks.list_recent",
    `SELECT * FROM blocks
      WHERE (created_at, blocker, blocked) < ($1, $2, $3) AND (expires_at IS NULL OR expires_at > now())
      ORDER BY created_at DESC, blocker DESC, blocked DESC
      LIMIT $4`,
  ),

  /** Deletes up to `limit` blocks whose time is over. Processes that do this at once take different ones. */
  deleteExpired: statement<[limit: number], BlockRow>(
    "blocks.delete_expired",
    `WITH expired AS (
       SELECT blocker, blocked FROM blocks
        WHERE expires_at <= now()
        ORDER BY expires_at
        LIMIT $1
          FOR UPDATE SKIP LOCKED
     )
     DELETE FROM blocks USING expired
      WHERE blocks.blocker = expired.blocker AND blocks.blocked = expired.blocked
     RETURNING blocks.*`,
  ),
} as const;
