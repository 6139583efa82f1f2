import type { QueueLoad } from "@millrace/jobs";

/** What is known of the parts that accepted events go through. */
export interface Readings {
  /** `undefined` while the queue's Redis does not answer. */
  readonly queue: QueueLoad | undefined;
  /** Bytes of jobs that the workers finish in a second. */
  readonly bytesPerSecond: number;
  readonly isDatabaseUp: boolean;
  /** Memory of this process. */
  readonly rssBytes: number;
}

export interface PressureLimits {
  /** Of all memory of the queue's Redis. Its own limit counts too: a fifth of that stays free. */
  readonly maxQueueBytes: number;
  /** How long an event may have to wait for a worker. */
  readonly maxQueueWaitMs: number;
  readonly maxRssBytes: number;
}

export const pressureReasons = ["queue_full", "queue_slow", "memory_full"] as const;
export type PressureReason = (typeof pressureReasons)[number];

/** BullMQ needs memory to take jobs as well, so a full Redis could not even be emptied. */
const usableShare = 0.8;

/**
 * The share of the longest wait that the oldest job must have waited: before that a speed of zero only
 * says that the workers have just begun.
 */
const sign = 0.1;

/**
 * Why no more events are taken now, or `undefined`. A queue that the workers cannot keep up with is
 * closed by the time that a new event would have to wait, which is known earlier than how long the
 * oldest has waited, so that what is accepted is stored soon. While PostgreSQL is away nothing can be
 * stored soon: then the queue is what bridges the outage, and only its memory counts.
 */
export function pressureOf(readings: Readings, limits: PressureLimits): PressureReason | undefined {
  const { queue, isDatabaseUp, bytesPerSecond, rssBytes } = readings;
  if (rssBytes >= limits.maxRssBytes) return "memory_full";
  if (queue === undefined) return undefined; // adding to it fails by itself, or not, if Redis is back by then
  const ownLimit = queue.maxBytes === 0 ? Number.POSITIVE_INFINITY : queue.maxBytes * usableShare;
  if (queue.usedBytes >= Math.min(limits.maxQueueBytes, ownLimit)) return "queue_full";
  const expectedWaitMs = queue.waitingBytes === 0 ? 0 : (queue.waitingBytes / bytesPerSecond) * 1_000;
  const isSlow = expectedWaitMs > limits.maxQueueWaitMs && queue.oldestWaitMs > limits.maxQueueWaitMs * sign;
  return isDatabaseUp && isSlow ? "queue_slow" : undefined;
}
