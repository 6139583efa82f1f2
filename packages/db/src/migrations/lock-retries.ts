import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "@millrace/runtime";
import { sqlState, sqlStateOf } from "../errors.ts";
import { MigrationError } from "./migration-error.ts";
import type { MigrationSession } from "./migration-session.ts";

/** The failures that say "not now" of a statement that is right in itself. */
const passingStates: readonly (string | undefined)[] = [
  sqlState.lockNotAvailable,
  sqlState.deadlockDetected,
  sqlState.serializationFailure,
];

/**
 * Tries `work` until it succeeds, fails for a reason that waiting does not mend, or was tried
 * `lockAttempts` times. The lock time-out never grows: while a statement waits for its lock,
 * everybody else who wants the table waits behind it.
 */
export async function withLockRetries<T>(
  { log, lockAttempts, lockTimeoutMs }: MigrationSession,
  what: string,
  work: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (!passingStates.includes(serverStateOf(error))) throw error;
      if (attempt >= lockAttempts) throw gaveUp(error, what, lockAttempts, lockTimeoutMs);
      const delayMs = Math.round(100 + backoffMs({ baseMs: 250, maxMs: 8_000 }, attempt));
      log(`${what}: no lock within ${lockTimeoutMs} ms (try ${attempt} of ${lockAttempts}), again in ${delayMs} ms`);
      await sleep(delayMs);
    }
  }
}

/** The SQLSTATE below an error, also when it has been given the place where it happened. */
export function serverStateOf(error: unknown): string | undefined {
  return sqlStateOf(error instanceof MigrationError ? error.cause : error);
}

function gaveUp(cause: unknown, what: string, attempts: number, timeoutMs: number): MigrationError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new MigrationError(
    "LOCK_TIMEOUT",
    `${what}: gave up after ${attempts} tries of ${timeoutMs} ms each; nothing of this step was kept. ` +
      `Last answer: ${said}\nA long transaction holds the table. Find it with\n` +
      "  SELECT pid, application_name, state, xact_start, query FROM pg_stat_activity\n" +
      "   WHERE xact_start IS NOT NULL ORDER BY xact_start;\nlet it end, and run the same command again.",
    { cause },
  );
}
