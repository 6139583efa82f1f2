import type { Tally } from "./sending.ts";

export interface Summary {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  /** Accepted events that were seen in the database. */
  readonly committed: number;
  /** Of the committed ones, those that an earlier run had stored. */
  readonly alreadyThere: number;
  /** Accepted events that were seen in the quarantine. */
  readonly quarantined: number;
  /** Until the last one was seen. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly retries: number;
}

export function summaryOf(
  tally: Tally,
  {
    elapsedMs,
    ...counts
  }: { committed: number; alreadyThere: number; quarantined: number; retries: number; elapsedMs: number },
): Summary {
  const seconds = Math.max(elapsedMs, 1) / 1_000;
  return {
    sent: tally.sent,
    accepted: tally.accepted,
    rejected: Object.fromEntries([...tally.rejected].map(([code, { count }]) => [code, count])),
    ...counts,
    seconds: Math.round(seconds * 1_000) / 1_000,
    eventsPerSecond: Math.round((counts.committed / seconds) * 10) / 10,
  };
}

/** The summary for a reader, with the first reason of each kind of rejection. */
export function summaryText(summary: Summary, { rejected }: Pick<Tally, "rejected">): string {
  const { accepted, committed, alreadyThere, quarantined, seconds, eventsPerSecond, retries } = summary;
  const rejections = [...rejected].map(([code, { count, message }]) => line("rejected", count, `${code}: ${message}`));
  return [
    line("accepted", accepted),
    ...(rejections.length > 0 ? rejections : [line("rejected", 0)]),
    line("committed", committed, alreadyThere > 0 ? `${alreadyThere} of them already there, stored once` : ""),
    ...(quarantined > 0 ? [line("quarantined", quarantined, "no partition for their time: GET /v1/quarantine")] : []),
    ...(retries > 0 ? [line("retries", retries)] : []),
    line("seconds", seconds),
    line("events/s", eventsPerSecond),
  ].join("\n");
}

function line(name: string, value: number, note = ""): string {
  return `${name.padEnd(11)} ${value.toLocaleString("en-US").padStart(12)}${note === "" ? "" : `  ${note}`}`;
}
