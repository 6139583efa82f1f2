/** How many events a key may send in each window of the clock. Windows begin at multiples of their length. */
export interface RatePolicy {
  readonly name: string;
  readonly events: number;
  readonly windowSeconds: number;
}

/** Counts that all processes share. */
export interface SharedCounts {
  /** Adds to the counts and gives what they are then. */
  add(counts: readonly { key: string; by: number; expireSeconds: number }[]): Promise<number[]>;
}

export interface RateState {
  readonly policy: RatePolicy;
  /** Events that may still be sent in this window; below zero by what a last large request had too many. */
  readonly remaining: number;
  readonly resetSeconds: number;
}

export interface KeyRates {
  /** The policy of this key that leaves the least room, or `undefined` when it has none. */
  state(keyId: string, policies: readonly RatePolicy[]): RateState | undefined;
  /** Counts events that were accepted from the key. */
  charge(keyId: string, policies: readonly RatePolicy[], events: number): void;
  /** Tells the other processes what was counted here, and learns what they have. */
  sync(): Promise<void>;
}

interface Window {
  readonly startedAt: number;
  readonly expireSeconds: number;
  shared: number;
  unsynced: number;
}

/**
 * Counts what each key sends, without asking anyone while a request waits: this process counts by
 * itself, and `sync` brings its counts and those of the others together. Between two calls of it,
 * processes do not know of each other, so a key may exceed its rate by what it sends them in that time.
 */
export function createKeyRates({
  shared,
  now = Date.now,
}: {
  readonly shared: SharedCounts;
  readonly now?: () => number;
}): KeyRates {
  const windows = new Map<string, Window>();

  function windowOf(keyId: string, { name, windowSeconds }: RatePolicy): Window {
    const startedAt = Math.floor(now() / 1_000 / windowSeconds) * windowSeconds;
    const id = `${name}:${keyId}`;
    let window = windows.get(id);
    if (window?.startedAt !== startedAt) {
      window = { startedAt, expireSeconds: windowSeconds * 2, shared: 0, unsynced: 0 };
      windows.set(id, window);
    }
    return window;
  }

  return {
    state(keyId, policies) {
      let tightest: RateState | undefined;
      for (const policy of policies) {
        const window = windowOf(keyId, policy);
        const remaining = policy.events - window.shared - window.unsynced;
        const resetSeconds = Math.max(1, Math.ceil(window.startedAt + policy.windowSeconds - now() / 1_000));
        // Of two that are used up, the one that lasts longer is what the client has to wait for.
        const isTighter =
          tightest === undefined ||
          Math.max(0, remaining) < Math.max(0, tightest.remaining) ||
          (remaining <= 0 && tightest.remaining <= 0 && resetSeconds > tightest.resetSeconds);
        if (isTighter) tightest = { policy, remaining, resetSeconds };
      }
      return tightest;
    },

    charge(keyId, policies, events) {
      for (const policy of policies) windowOf(keyId, policy).unsynced += events;
    },

    async sync() {
      const nowSeconds = now() / 1_000;
      const current = [...windows].filter(([id, { startedAt, expireSeconds }]) => {
        const isOver = nowSeconds >= startedAt + expireSeconds / 2;
        if (isOver) windows.delete(id);
        return !isOver;
      });
      const taken = current.map(([id, window]) => {
        const by = window.unsynced;
        return { window, by, key: `${id}:${window.startedAt}`, expireSeconds: window.expireSeconds };
      });
      if (taken.length === 0) return;
      const totals = await shared.add(taken);
      for (const [at, { window, by }] of taken.entries()) {
        window.shared = totals[at] ?? window.shared + by;
        window.unsynced -= by;
      }
    },
  };
}
