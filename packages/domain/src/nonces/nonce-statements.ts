import { statement } from "@millrace/db";

export interface NonceRow {
  readonly nonce_hash: Buffer;
  readonly address: string;
  readonly issued_at: Date;
  readonly expires_at: Date;
  readonly used_at: Date | null;
}

export const nonceStatements = {
  issue: statement<[nonceHash: Buffer, address: string, expiresAt: Date], NonceRow>(
    "nonces.issue",
    `INSERT INTO nonces (nonce_hash, address, expires_at) VALUES ($1, $2, $3) RETURNING *`,
  ),

  /** Of any number of callers, exactly one gets the row; no row for a nonce that is unknown, used or expired. */
  consume: statement<[nonceHash: Buffer, address: string], NonceRow>(
    "nonces.consume",
    `UPDATE nonces SET used_at = now()
      WHERE nonce_hash = $1 AND address = $2 AND used_at IS NULL AND expires_at > now()
     RETURNING *`,
  ),

  /** How many nonces an address asked for since then, to limit how often it may. */
  countIssuedSince: statement<[address: string, since: Date], { issued: string }>(
    "nonces.count_issued_since",
    `SELECT count(*) AS issued FROM nonces WHERE address = $1 AND issued_at >= $2`,
  ),

  /** Deletes up to `limit` nonces that expired before then, used or not. Processes that do this at once take different ones. */
  deleteExpired: statement<[before: Date, limit: number], never>(
    "nonces.delete_expired",
    `WITH expired AS (
       SELECT nonce_hash FROM nonces
        WHERE expires_at < $1
        ORDER BY expires_at
        LIMIT $2
          FOR UPDATE SKIP LOCKED
     )
     DELETE FROM nonces USING expired WHERE nonces.nonce_hash = expired.nonce_hash`,
  ),
} as const;
