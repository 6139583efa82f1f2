import { CacheAwayError } from "./store.ts";

export interface BreakerOptions {
  /** A call that takes longer has failed. */
  readonly timeoutMs: number;
  /** So many failures in a row, and calls are refused at once. */
  readonly maxFailures: number;
  /** After this long one call is let through to see whether it is better. */
  readonly openMs: number;
  readonly now?: () => number;
}

export interface Breaker {
  /** Gives what `call` gives; rejects with a `CacheAwayError` when it fails or is late, or without calling it. */
  run<T>(call: () => Promise<T>): Promise<T>;
  readonly isOpen: boolean;
}

/** Keeps those who ask a server that is away, or slow, from waiting for it (Nygard, "Release It!", circuit breaker). */
export function createBreaker({
  timeoutMs,
  maxFailures,
  openMs,
  now = () => performance.now(),
}: BreakerOptions): Breaker {
  let failures = 0;
  let openedAt = Number.NEGATIVE_INFINITY;
  let isProbing = false;

  const isOpen = (): boolean => failures >= maxFailures;

  function end(succeeded: boolean): void {
    isProbing = false;
    failures = succeeded ? 0 : failures + 1;
    if (isOpen()) openedAt = now();
  }

  return {
    get isOpen() {
      return isOpen();
    },
    run(call) {
      if (isOpen()) {
        if (isProbing || now() - openedAt < openMs) return Promise.reject(new CacheAwayError("The cache is away"));
        isProbing = true;
      }
      return new Promise((resolve, reject) => {
        let isLate = false;
        const timer = setTimeout(() => {
          isLate = true;
          end(false);
          reject(new CacheAwayError(`The cache did not answer within ${timeoutMs} ms`));
        }, timeoutMs);
        call().then(
          (value) => {
            if (isLate) return;
            clearTimeout(timer);
            end(true);
            resolve(value);
          },
          (error: unknown) => {
            if (isLate) return;
            clearTimeout(timer);
            end(false);
            reject(error instanceof CacheAwayError ? error : new CacheAwayError("The cache failed", { cause: error }));
          },
        );
      });
    },
  };
}
