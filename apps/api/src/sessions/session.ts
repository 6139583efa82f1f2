import type { SessionRow } from "@millrace/domain";
import { z } from "zod";
import { optionalTimeText, timeText } from "../http/time-text.ts";

export const session = z.object({
  id: z.guid(),
  a_addr: z.string().describe("Who called"),
  b_addr: z.string().describe("Who was called"),
  state: z.enum(["created", "active", "ended"]),
  is_reported: z.boolean(),
  end_reason: z.string().nullable(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  expires_at: z.string().describe("A session that is still open by then is ended"),
  duration_seconds: z.number().nullable(),
});

/** A row, from PostgreSQL or from JSON, as the API shows it. */
export function sessionOf(row: SessionRow) {
  return {
    id: row.id,
    a_addr: row.a_addr,
    b_addr: row.b_addr,
    state: row.state,
    is_reported: row.is_reported,
    end_reason: row.end_reason,
    created_at: timeText(row.created_at),
    started_at: optionalTimeText(row.started_at),
    ended_at: optionalTimeText(row.ended_at),
    expires_at: timeText(row.expires_at),
    duration_seconds: row.duration_seconds,
    version: String(row.version),
  };
}
