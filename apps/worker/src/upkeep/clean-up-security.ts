import { type Db, statement } from "@millrace/db";
import { nonceStatements } from "@millrace/domain";
import type { Run } from "@millrace/upkeep";
import { inBatches } from "./in-batches.ts";

export interface CleanUpSecurityNeeds {
  readonly db: Db;
  /** Keys are kept for so long after they were revoked or expired, so that it can be seen whose they were. */
  readonly keepKeysMs: number;
  readonly keepDeadLettersMs: number;
  readonly keepQuarantineMs: number;
}

type DeleteOld = [before: Date, limit: number];

const deleteUsedNonces = statement<DeleteOld, never>(
  "nonces.delete_used",
  `DELETE FROM nonces WHERE nonce_hash IN (
     SELECT nonce_hash FROM nonces WHERE used_at < $1 ORDER BY nonce_hash LIMIT $2 FOR UPDATE SKIP LOCKED)`,
);

const deleteEndedKeys = statement<DeleteOld, never>(
  "api_keys.delete_ended",
  "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE least(revoked_at, expires_at) < $1 LIMIT $2)",
);

const deleteEndedSessions = statement<DeleteOld, never>(
  "browser_sessions.delete_expired",
  "DELETE FROM browser_sessions WHERE token_hash IN (SELECT token_hash FROM browser_sessions WHERE expires_at < $1 LIMIT $2)",
);

const deleteOldLetters = statement<DeleteOld, never>(
  "dead_letters.delete_old",
  "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE created_at < $1 ORDER BY created_at, id LIMIT $2)",
);

const deleteOldQuarantine = statement<DeleteOld, never>(
  "quarantine.delete_old",
  `DELETE FROM telemetry_events_quarantine WHERE (id, source, time) IN (
     SELECT id, source, time FROM telemetry_events_quarantine WHERE received_at < $1 ORDER BY received_at, id LIMIT $2)`,
);

/** A used nonce signs nobody in; it is kept for an hour, for whoever looks into an incident. */
const keepNoncesMs = 3_600_000;

/** Removes what is of no use any more and would only be found by whoever breaks in, and what is past its retention. */
export function cleanUpSecurity(needs: CleanUpSecurityNeeds) {
  const { db } = needs;
  return async (run: Run): Promise<void> => {
    const now = Date.now();
    const ago = (ms: number): Date => new Date(now - ms);
    const steps: readonly [string, number, typeof deleteUsedNonces][] = [
      ["nonces_expired", keepNoncesMs, nonceStatements.deleteExpired],
      ["nonces_used", keepNoncesMs, deleteUsedNonces],
      ["keys", needs.keepKeysMs, deleteEndedKeys],
      ["browser_sessions", 0, deleteEndedSessions],
      ["dead_letters", needs.keepDeadLettersMs, deleteOldLetters],
      ["quarantined", needs.keepQuarantineMs, deleteOldQuarantine],
    ];
    for (const [what, keepMs, remove] of steps) {
      await inBatches(run, what, (limit) => db.run(remove, [ago(keepMs), limit]));
    }
  };
}
