import { statement } from "@millrace/db";
import type { reportStatuses } from "../cache-keys.ts";

export type ReportStatus = (typeof reportStatuses)[number];

export interface ReportRow {
  readonly id: string;
  readonly session_id: string | null;
  readonly reporter: string;
  readonly reported: string;
  readonly category: string;
  readonly status: ReportStatus;
  readonly details: string | null;
  readonly created_at: Date;
  readonly resolved_at: Date | null;
  /** A bigint, as text. */
  readonly version: string;
}

/** The time and id of the last row seen, or `newest` for the first page. */
type Cursor = [beforeTime: Date | string, beforeId: string, limit: number];

export const reportStatements = {
  getById: statement<[id: string], ReportRow>("reports.get_by_id", `SELECT * FROM reports WHERE id = $1`),

  listBySession: statement<[sessionId: string], ReportRow>(
    "reports.list_by_session",
    `SELECT * FROM reports WHERE session_id = $1 ORDER BY created_at`,
  ),

  listByReporter: statement<[address: string, ...Cursor], ReportRow>(
    "reports.list_by_reporter",
    `SELECT * FROM reports
      WHERE reporter = $1 AND (created_at, id) < ($2, $3)
      ORDER BY created_at DESC, id DESC
      LIMIT $4`,
  ),

  listByReported: statement<[address: string, ...Cursor], ReportRow>(
    "reports.list_by_reported",
    `SELECT * FROM reports
      WHERE reported = $1 AND (created_at, id) < ($2, $3)
      ORDER BY created_at DESC, id DESC
      LIMIT $4`,
  ),

  listByStatus: statement<[status: ReportStatus, ...Cursor], ReportRow>(
    "reports.list_by_status",
    `SELECT * FROM reports
      WHERE status = $1 AND (created_at, id) < ($2, $3)
      ORDER BY created_at DESC, id DESC
      LIMIT $4`,
  ),

  /** What moderators have yet to decide, the longest waiting first; the cursor is `oldest` or the last row seen. */
  listPending: statement<[afterTime: Date | string, afterId: string, limit: number], ReportRow>(
    "reports.list_pending",
    `SELECT * FROM reports
      WHERE status IN ('open', 'reviewing') AND (created_at, id) > ($1, $2)
      ORDER BY created_at, id
      LIMIT $3`,
  ),

  countBetween: statement<[from: Date, to: Date], { category: string; status: ReportStatus; reports: string }>(
    "reports.count_between",
    `SELECT category, status, count(*) AS reports
       FROM reports
      WHERE created_at >= $1 AND created_at < $2
      GROUP BY category, status
      ORDER BY category, status`,
  ),

  /** How long the reports closed in this time had waited, in seconds; null where none was closed. */
  timeToCloseBetween: statement<
    [from: Date, to: Date],
    { closed: string; mean_seconds: number | null; p95_seconds: number | null }
  >(
    "reports.time_to_close_between",
    `SELECT count(*) AS closed,
            avg(extract(epoch FROM resolved_at - created_at))::double precision AS mean_seconds,
            percentile_cont(0.95) WITHIN GROUP (
              ORDER BY extract(epoch FROM resolved_at - created_at)::double precision
            ) AS p95_seconds
       FROM reports
      WHERE resolved_at >= $1 AND resolved_at < $2`,
  ),
} as const;
