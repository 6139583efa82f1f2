import { statement } from "@millrace/db";
import { z } from "zod";
import { cacheKeys } from "../cache-keys.ts";
import { address, defineWrite, textIn, type WriteResult } from "../writes/contract.ts";

export const userWrites = {
  /** Creates the user or replaces name and profile. */
  "users.save": defineWrite({
    payload: z.object({
      address,
      display_name: z.string().nullable(),
      profile: z.record(z.string(), z.unknown()),
    }),
    entityOf: (payload) => `users/${payload.address}`,
    apply: statement<[batch: string], WriteResult>(
      "users.save_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb)
           AS x(n int, address address, display_name text, profile jsonb, expected bigint)
       ), saved AS (
         INSERT INTO users (address, display_name, profile)
         SELECT input.address, input.display_name, input.profile
           FROM input LEFT JOIN users USING (address)
          WHERE input.expected IS NULL OR input.expected = users.version
         ON CONFLICT (address) DO UPDATE
           SET display_name = excluded.display_name, profile = excluded.profile,
               updated_at = now(), version = users.version + 1
         RETURNING *
       )
       SELECT input.n,
              CASE WHEN saved.address IS NOT NULL THEN 'done'
                   WHEN users.address IS NULL THEN 'not_found'
                   ELSE 'version_conflict' END AS outcome,
              to_jsonb(saved) AS row, NULL AS related
         FROM input
         LEFT JOIN saved USING (address)
         LEFT JOIN users USING (address)`,
    ),
    keysOf: (row) => [cacheKeys.user(textIn(row, "address"))],
  }),
} as const;
