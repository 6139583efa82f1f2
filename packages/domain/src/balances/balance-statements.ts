import { statement } from "@millrace/db";

export interface BalanceRow {
  readonly address: string;
  readonly asset: string;
  /** In the smallest unit of the asset; up to 78 digits, as text. */
  readonly amount: string;
  readonly updated_at: Date;
  /** A bigint, as text. */
  readonly version: string;
}

export const balanceStatements = {
  get: statement<[address: string, asset: string], BalanceRow>(
    "balances.get",
    `SELECT * FROM balances WHERE address = $1 AND asset = $2`,
  ),

  listByAddress: statement<[address: string], BalanceRow>(
    "balances.list_by_address",
    `SELECT * FROM balances WHERE address = $1 ORDER BY asset`,
  ),
} as const;
