import { statement } from "@millrace/db";
import { z } from "zod";
import { cacheKeys } from "../cache-keys.ts";
import { address, defineWrite, textIn, time, type WriteResult } from "../writes/contract.ts";

export const balanceWrites = {
  /**
   * Records what a balance was at a time. Observations may arrive out of order: the newest stands, and is the row of
   * whichever came after it.
   */
  "balances.set": defineWrite({
    payload: z.object({
      address,
      asset: z.string(),
      amount: z.string().regex(/^\d{1,78}$/),
      observed_at: time,
    }),
    entityOf: (payload) => `balances/${payload.address}/${payload.asset}`,
    apply: statement<[batch: string], WriteResult>(
      "balances.set_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb)
           AS x(n int, address address, asset text, amount numeric(78, 0), observed_at timestamptz(3), expected bigint)
       ), judged AS (
         SELECT input.*, balances.version AS found,
                input.expected IS NULL OR input.expected IS NOT DISTINCT FROM balances.version AS is_expected
           FROM input LEFT JOIN balances USING (address, asset)
       ), saved AS (
         INSERT INTO balances (address, asset, amount, updated_at)
         SELECT address, asset, amount, observed_at FROM judged WHERE is_expected
         ON CONFLICT (address, asset) DO UPDATE
           SET amount = excluded.amount, updated_at = excluded.updated_at, version = balances.version + 1
           WHERE balances.updated_at < excluded.updated_at
         RETURNING *
       )
       SELECT judged.n,
              CASE WHEN is_expected THEN 'done' WHEN found IS NULL THEN 'not_found' ELSE 'version_conflict' END AS outcome,
              CASE WHEN saved.address IS NOT NULL
                   THEN to_jsonb(saved) || jsonb_build_object('amount', saved.amount::text)
                   WHEN is_expected
                   THEN to_jsonb(balances) || jsonb_build_object('amount', balances.amount::text) END AS row,
              NULL AS related
         FROM judged
         LEFT JOIN saved USING (address, asset)
         LEFT JOIN balances USING (address, asset)`,
    ),
    keysOf: (row) => [
      cacheKeys.balances(textIn(row, "address")),
      cacheKeys.balance(textIn(row, "address"), textIn(row, "asset")),
    ],
  }),
} as const;
