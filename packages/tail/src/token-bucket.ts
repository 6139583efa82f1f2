/** Lets through `perSecond` on average, and as many at once after a second's rest. */
export interface TokenBucket {
  /** What may be taken now; less than 0 after more was taken than there was. */
  available(): number;
  take(count: number): void;
}

/** `now` is a clock in milliseconds that never goes back. */
export function createTokenBucket(perSecond: number, now: () => number = () => performance.now()): TokenBucket {
  let tokens = perSecond;
  let filledAtMs = now();
  return {
    available() {
      const nowMs = now();
      tokens = Math.min(perSecond, tokens + ((nowMs - filledAtMs) / 1_000) * perSecond);
      filledAtMs = nowMs;
      return tokens;
    },
    take(count) {
      tokens -= count;
    },
  };
}
