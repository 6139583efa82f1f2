import { statement } from "@millrace/db";
import { z } from "zod";
import { cacheKeys } from "../cache-keys.ts";
import { address, defineWrite, type JsonRow, textIn, time, type WriteResult } from "../writes/contract.ts";

const entityOf = ({ blocker, blocked }: { blocker: string; blocked: string }): string => `blocks/${blocker}/${blocked}`;
const keysOf = (row: JsonRow) => [cacheKeys.block(textIn(row, "blocker"), textIn(row, "blocked"))];

export const blockWrites = {
  /** A second block of the same address replaces reason and expiry and keeps its place in the lists. */
  "blocks.create": defineWrite({
    payload: z.object({
      blocker: address,
      blocked: address,
      reason: z.string().nullable(),
      at: time,
      expires_at: time.nullable(),
    }),
    entityOf,
    apply: statement<[batch: string], WriteResult>(
      "blocks.create_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb)
           AS x(n int, blocker address, blocked address, reason text, at timestamptz, expires_at timestamptz)
       ), created AS (
         INSERT INTO blocks (blocker, blocked, reason, created_at, expires_at)
         SELECT blocker, blocked, reason, at, expires_at FROM input
         ON CONFLICT (blocker, blocked) DO UPDATE SET reason = excluded.reason, expires_at = excluded.expires_at
         RETURNING *
       )
       SELECT input.n, 'done' AS outcome, to_jsonb(created) AS row, NULL AS related
         FROM input JOIN created USING (blocker, blocked)`,
    ),
    keysOf,
  }),

  "blocks.remove": defineWrite({
    payload: z.object({ blocker: address, blocked: address }),
    entityOf,
    apply: statement<[batch: string], WriteResult>(
      "blocks.remove_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS x(n int, blocker address, blocked address)
       ), removed AS (
         DELETE FROM blocks USING input
          WHERE blocks.blocker = input.blocker AND blocks.blocked = input.blocked
         RETURNING blocks.*
       )
       SELECT input.n, CASE WHEN removed.blocker IS NULL THEN 'not_found' ELSE 'done' END AS outcome,
              to_jsonb(removed) AS row, NULL AS related
         FROM input LEFT JOIN removed USING (blocker, blocked)`,
    ),
    keysOf,
  }),
} as const;
