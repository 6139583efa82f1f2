interface Tick {
  readonly atMs: number;
  readonly position: bigint;
}

/**
 * Remembers when the primary's log was where, to tell since when a replica lacks something. What a replica says of its
 * last replayed transaction does not do: while nothing is written that grows older and older, though it lacks nothing.
 */
export interface LogClock {
  note(atMs: number, position: bigint): void;
  /** For how many ms somebody who has replayed up to there has been behind; 0 for not at all. */
  lagMs(replayed: bigint, nowMs: number): number;
}

const maxTicks = 1_000;

export function createLogClock(): LogClock {
  const ticks: Tick[] = [];
  return {
    note(atMs, position) {
      const last = ticks.at(-1);
      // Where nothing was written there is nothing to remember.
      if (last?.position === position) return;
      ticks.push({ atMs, position });
      if (ticks.length > maxTicks) ticks.shift();
    },
    lagMs(replayed, nowMs) {
      // The first moment at which there was something that is still lacking.
      const missed = ticks.find(({ position }) => position > replayed);
      return missed === undefined ? 0 : Math.max(1, nowMs - missed.atMs);
    },
  };
}
