import { z } from "zod";
import type { CachedBlock } from "../caching/domain-caches.ts";
import { optionalTimeText, timeText } from "../http/time-text.ts";

export const block = z.object({
  blocker: z.string(),
  blocked: z.string(),
  reason: z.string().nullable(),
  created_at: z.string(),
  expires_at: z.string().nullable().describe("Null: until it is removed"),
});

type Times = { readonly created_at: Date | string; readonly expires_at: Date | string | null };

/** A row, from PostgreSQL or from JSON, as the API shows it. */
export function blockOf(row: Omit<CachedBlock, keyof Times> & Times): CachedBlock {
  return {
    blocker: row.blocker,
    blocked: row.blocked,
    reason: row.reason,
    created_at: timeText(row.created_at),
    expires_at: optionalTimeText(row.expires_at),
  };
}
