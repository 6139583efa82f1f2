import { statement } from "@millrace/db";
import { sessionLists } from "./session-lists.ts";
import type { SessionRow } from "./session-row.ts";

/** Every change returns the row as it now is, or no row when it was not in a state that allows the change. */
export const sessionStatements = {
  ...sessionLists,

  getById: statement<[id: string], SessionRow>("sessions.get_by_id", `SELECT * FROM sessions WHERE id = $1`),

  /** The call these two have not ended yet, if any; the newest when there are several. */
  findOpenByPair: statement<[one: string, other: string], SessionRow>(
    "sessions.find_open_by_pair",
    `SELECT * FROM sessions
      WHERE low_addr = least($1::address, $2::address)
        AND high_addr = greatest($1::address, $2::address)
        AND state <> 'ended'
      ORDER BY created_at DESC
      LIMIT 1`,
  ),

  /** Ends up to `limit` open sessions whose time is over. Processes that do this at once take different ones. */
  endExpired: statement<[limit: number], SessionRow>(
    "sessions.end_expired",
    `WITH expired AS (
       SELECT id FROM sessions
        WHERE state <> 'ended' AND expires_at <= now()
        ORDER BY expires_at
        LIMIT $1
          FOR UPDATE SKIP LOCKED
     )
     UPDATE sessions
        SET state = 'ended', ended_at = greatest(now(), started_at), end_reason = 'expired',
            updated_at = now(), version = version + 1
       FROM expired
      WHERE sessions.id = expired.id
     RETURNING sessions.*`,
  ),
} as const;
