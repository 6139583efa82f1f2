import { type Counts, grownBetween } from "./figures.ts";

/** What was counted in a span of time. */
export interface Span {
  readonly ms: number;
  readonly counts: Counts;
}

interface Reading {
  readonly atMs: number;
  readonly counts: Counts;
}

export interface History {
  /** Notes a reading at a moment of a clock that never goes back. */
  note(reading: Reading): void;
  /** From the last reading but one to the last; `null` before there are two. */
  last(): Span | null;
  /** From a reading about `recentMs` ago, or the first, to the last; `null` before there are two. */
  recent(): Span | null;
}

/** The readings of the last while, from which it follows what happened in it. */
export function createHistory(recentMs: number): History {
  const readings: Reading[] = [];

  function since(before: Reading | undefined): Span | null {
    const now = readings.at(-1);
    if (before === undefined || now === undefined || now.atMs <= before.atMs) return null;
    return { ms: now.atMs - before.atMs, counts: grownBetween(before.counts, now.counts) };
  }

  return {
    note(reading) {
      readings.push(reading);
      while (readings.length > 2 && (readings[1]?.atMs ?? 0) <= reading.atMs - recentMs) readings.shift();
    },
    last: () => since(readings.at(-2)),
    recent: () => since(readings[0]),
  };
}
