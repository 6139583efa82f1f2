import { type ReportRow, reportStatuses } from "@millrace/domain";
import { z } from "zod";
import { optionalTimeText, timeText } from "../http/time-text.ts";

export const report = z.object({
  id: z.guid(),
  session_id: z.guid().nullable(),
  reporter: z.string(),
  reported: z.string(),
  category: z.string(),
  status: z.enum(reportStatuses),
  details: z.string().nullable(),
  created_at: z.string(),
  resolved_at: z.string().nullable(),
});

/** A row, from PostgreSQL or from JSON, as the API shows it. */
export function reportOf(row: ReportRow) {
  return {
    id: row.id,
    session_id: row.session_id,
    reporter: row.reporter,
    reported: row.reported,
    category: row.category,
    status: row.status,
    details: row.details,
    created_at: timeText(row.created_at),
    resolved_at: optionalTimeText(row.resolved_at),
    version: String(row.version),
  };
}
