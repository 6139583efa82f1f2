import { type Counts, grownBetween } from "./figures.ts";

/** What was counted in a span of time. */
export interface Span {
  readonly ms: number;
  readonly counts: Counts;
}

/** What had been counted at a moment of a clock that never goes back. */
interface Reading {
  readonly atMs: number;
  readonly counts: Counts;
}

export interface History {
  note(reading: Reading): void;
  /** From the last reading but one to the last; `null` before there are two. */
  last(): Span | null;
  /** From the reading of `keepMs` ago, or the first, to the last; `null` before there are two. */
  recent(): Span | null;
  /** From the reading of so long ago, or the first, to one that is not noted; `null` before there is any. */
  since(ms: number, now: Reading): Span | null;
}

/** The readings of the last `keepMs`, from which it follows what happened in them. */
export function createHistory(keepMs: number): History {
  const readings: Reading[] = [];
  return {
    note(reading) {
      readings.push(reading);
      while (readings.length > 2 && (readings[1]?.atMs ?? 0) <= reading.atMs - keepMs) readings.shift();
    },
    last: () => spanBetween(readings.at(-2), readings.at(-1)),
    recent: () => spanBetween(readings[0], readings.at(-1)),
    since: (ms, now) => spanBetween(readings.findLast(({ atMs }) => atMs <= now.atMs - ms) ?? readings[0], now),
  };
}

function spanBetween(before: Reading | undefined, now: Reading | undefined): Span | null {
  if (before === undefined || now === undefined || now.atMs <= before.atMs) return null;
  return { ms: now.atMs - before.atMs, counts: grownBetween(before.counts, now.counts) };
}
