import type { BalanceRow } from "@millrace/domain";
import { z } from "zod";
import { timeText } from "../http/time-text.ts";

export const balance = z.object({
  address: z.string(),
  asset: z.string(),
  amount: z.string().describe("In the smallest unit of the asset, a whole number of up to 78 digits"),
  updated_at: z.string().describe("When it was observed"),
});

/** A row, from PostgreSQL or from JSON, as the API shows it. */
export function balanceOf({ address, asset, amount, updated_at, version }: BalanceRow) {
  return { address, asset, amount, updated_at: timeText(updated_at), version: String(version) };
}
