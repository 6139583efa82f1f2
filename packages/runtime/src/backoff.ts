/**
 * "Full jitter" exponential backoff: a random delay in milliseconds between 0 and
 * `min(maxMs, baseMs * 2^attempt)`, attempts counted from 0. See Brooker, "Exponential Backoff And
 * Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(
  { baseMs, maxMs }: { baseMs: number; maxMs: number },
  attempt: number,
  random: () => number = Math.random,
): number {
  return random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
}
