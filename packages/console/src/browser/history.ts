import type { Live, Minute } from "./replies.ts";

/** One moment of the charts. */
export interface Point {
  /** In seconds since 1970. */
  readonly time: number;
  readonly committed: number | null;
  readonly accepted: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly oldest: number | null;
}

/** What the charts show: the last half hour, in the order of time. */
export const windowSeconds = 1_800;

/** What was before, in minutes, and then what was seen since: where both tell of a time, the latter holds. */
export function withMinutes(points: readonly Point[], minutes: readonly Minute[]): Point[] {
  const first = points[0]?.time ?? Number.POSITIVE_INFINITY;
  return [...minutes.map(pointOfMinute).filter(({ time }) => time < first), ...points];
}

/** One message more; what is older than the window goes. */
export function withLive(points: readonly Point[], live: Live): Point[] {
  const point = pointOfLive(live);
  const from = points.findIndex(({ time }) => time >= point.time - windowSeconds);
  return [...(from < 0 ? [] : points.slice(from)), point];
}

/** The longest that a job has waited, over all queues. */
export function oldestWaitOf({ queues }: Pick<Live, "queues">): number {
  return Math.max(0, ...queues.map((queue) => queue.oldest_wait_ms));
}

function pointOfLive(live: Live): Point {
  const { p50_ms, p99_ms } = live.latency.accept_to_commit;
  return {
    time: Date.parse(live.at) / 1_000,
    committed: live.rates.committed,
    accepted: live.rates.accepted,
    p50: p50_ms,
    p99: p99_ms,
    oldest: oldestWaitOf(live),
  };
}

function pointOfMinute({ at, committed, accepted, accept_to_commit }: Minute): Point {
  const middle = Date.parse(at) / 1_000 + 30;
  return {
    time: middle,
    committed,
    accepted,
    p50: accept_to_commit.p50_ms,
    p99: accept_to_commit.p99_ms,
    oldest: null,
  };
}
