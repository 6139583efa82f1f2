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

  /**
   * Records what a balance was at `observedAt`. No row when one as new is already there: observations may arrive
   * twice or out of order, and the newest stands.
   */
  set: statement<[address: string, asset: string, amount: string, observedAt: Date], BalanceRow>(
    "balances.set",
    `INSERT INTO balances (address, asset, amount, updated_at)
     VALUES ($1, $2, $3, $4)
     ON CONFLICT (address, asset) DO UPDATE
       SET amount = excluded.amount, updated_at = excluded.updated_at, version = balances.version + 1
       WHERE balances.updated_at < excluded.updated_at
     RETURNING *`,
  ),
} as const;
