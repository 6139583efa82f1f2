import { statement } from "@millrace/db";
import type { SessionRow, SessionState } from "./session-row.ts";

/** The time and id of the last row seen, or `newest` for the first page. */
type Cursor = [beforeTime: Date | string, beforeId: string, limit: number];

export const sessionLists = {
  /** The calls of an address on either side; a state or a mark that is null may be any. Each side is read by its index. */
  listByAddress: statement<
    [address: string, state: SessionState | null, isReported: boolean | null, ...Cursor],
    SessionRow
  >(
    "sessions.list_by_address",
    `(SELECT * FROM sessions
       WHERE a_addr = $1 AND (created_at, id) < ($4, $5)
         AND ($2::text IS NULL OR state = $2) AND ($3::boolean IS NULL OR is_reported = $3)
       ORDER BY created_at DESC, id DESC
       LIMIT $6)
     UNION ALL
     (SELECT * FROM sessions
       WHERE b_addr = $1 AND (created_at, id) < ($4, $5)
         AND ($2::text IS NULL OR state = $2) AND ($3::boolean IS NULL OR is_reported = $3)
       ORDER BY created_at DESC, id DESC
       LIMIT $6)
     ORDER BY created_at DESC, id DESC
     LIMIT $6`,
  ),

  listByAAddr: statement<[address: string, ...Cursor], SessionRow>(
    "sessions.list_by_a_addr",
    `SELECT * FROM sessions
      WHERE a_addr = $1 AND (created_at, id) < ($2, $3)
      ORDER BY created_at DESC, id DESC
      LIMIT $4`,
  ),

  listByBAddr: statement<[address: string, ...Cursor], SessionRow>(
    "sessions.list_by_b_addr",
    `SELECT * FROM sessions
      WHERE b_addr = $1 AND (created_at, id) < ($2, $3)
      ORDER BY created_at DESC, id DESC
      LIMIT $4`,
  ),

  /** The calls between two addresses, whoever called. */
  listByPair: statement<[one: string, other: string, ...Cursor], SessionRow>(
    "sessions.list_by_pair",
    `SELECT * FROM sessions
      WHERE low_addr = least($1::address, $2::address)
        AND high_addr = greatest($1::address, $2::address)
        AND (created_at, id) < ($3, $4)
      ORDER BY created_at DESC, id DESC
      LIMIT $5`,
  ),

  listActiveByAAddr: statement<[address: string], SessionRow>(
    "sessions.list_active_by_a_addr",
    `SELECT * FROM sessions WHERE a_addr = $1 AND state = 'active' ORDER BY started_at DESC`,
  ),

  listActiveByBAddr: statement<[address: string], SessionRow>(
    "sessions.list_active_by_b_addr",
    `SELECT * FROM sessions WHERE b_addr = $1 AND state = 'active' ORDER BY started_at DESC`,
  ),

  /** The calls that wait for this address to answer. */
  listRingingByBAddr: statement<[address: string], SessionRow>(
    "sessions.list_ringing_by_b_addr",
    `SELECT * FROM sessions WHERE b_addr = $1 AND state = 'created' ORDER BY created_at DESC`,
  ),

  listRecent: statement<Cursor, SessionRow>(
    "sessions.list_recent",
    `SELECT * FROM sessions
      WHERE (created_at, id) < ($1, $2)
      ORDER BY created_at DESC, id DESC
      LIMIT $3`,
  ),

  listByState: statement<[state: SessionState, ...Cursor], SessionRow>(
    "sessions.list_by_state",
    `SELECT * FROM sessions
      WHERE state = $1 AND (created_at, id) < ($2, $3)
      ORDER BY created_at DESC, id DESC
      LIMIT $4`,
  ),

  listReported: statement<Cursor, SessionRow>(
    "sessions.list_reported",
    `SELECT * FROM sessions
      WHERE is_reported AND (created_at, id) < ($1, $2)
      ORDER BY created_at DESC, id DESC
      LIMIT $3`,
  ),

  /** Ended from `from` on and before `to`; the cursor is the time of end and id, within them. */
  listEndedBetween: statement<[from: Date, to: Date, ...Cursor], SessionRow>(
    "sessions.list_ended_between",
    `SELECT * FROM sessions
      WHERE state = 'ended' AND ended_at >= $1 AND ended_at < $2 AND (ended_at, id) < ($3, $4)
      ORDER BY ended_at DESC, id DESC
      LIMIT $5`,
  ),

  /** The longest calls there were; the cursor is the duration and id of the last row, or `Infinity` and `newest.id`. */
  listLongest: statement<[belowSeconds: number, beforeId: string, limit: number], SessionRow>(
    "sessions.list_longest",
    `SELECT * FROM sessions
      WHERE duration_seconds IS NOT NULL AND (duration_seconds, id) < ($1, $2)
      ORDER BY duration_seconds DESC, id DESC
      LIMIT $3`,
  ),

  /** Calls and seconds talked on each day (UTC) they started, from `from` on and before `to`. Days without any are left out. */
  talkTimeByDay: statement<[from: Date, to: Date], { day: string; calls: string; seconds: number }>(
    "sessions.talk_time_by_day",
    `SELECT (started_at AT TIME ZONE 'UTC')::date::text AS day, count(*) AS calls, sum(duration_seconds) AS seconds
       FROM sessions
      WHERE duration_seconds IS NOT NULL AND started_at >= $1 AND started_at < $2
      GROUP BY 1
      ORDER BY 1`,
  ),
} as const;
