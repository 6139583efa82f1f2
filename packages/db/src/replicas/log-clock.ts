interface Tick {
  /** When the log was last seen not to be there yet. */
  sinceMs: number;
  readonly position: bigint;
}

/**
 * Remembers when the primary's log was where, to tell since when a replica lacks something. What a replica says of its
 * last replayed transaction does not do: while nothing is written that grows older and older, though it lacks nothing.
 */
export interface LogClock {
  note(atMs: number, position: bigint): void;
  /**
   * For how many ms, at most, somebody who has replayed up to there has been behind; 0 for not at all, infinite for who
   * lacks what was there before anything was noted.
   */
  lagMs(replayed: bigint, nowMs: number): number;
}

const maxTicks = 1_000;

export function createLogClock(): LogClock {
  const ticks: Tick[] = [];
  let notedAtMs = Number.NEGATIVE_INFINITY;
  return {
    note(atMs, position) {
      const last = ticks.at(-1);
      // Where nothing was written there is nothing to remember.
      if (last?.position !== position) ticks.push({ sinceMs: notedAtMs, position });
      notedAtMs = atMs;
      if (ticks.length <= maxTicks) return;
      ticks.shift();
      const [first] = ticks;
      if (first !== undefined) first.sinceMs = Number.NEGATIVE_INFINITY;
    },
    lagMs(replayed, nowMs) {
      // The last moment at which nothing was there yet of what is lacking.
      const missed = ticks.find(({ position }) => position > replayed);
      return missed === undefined ? 0 : Math.max(1, nowMs - missed.sinceMs);
    },
  };
}
