/** What is seen of a consumer at one moment. */
export interface Sighting {
  /** Jobs of its queue that nobody works on, and that may be worked on. */
  readonly waitingJobs: number;
  /** Jobs that it has taken since it exists. */
  readonly startedJobs: number;
  readonly hasRoom: boolean;
  readonly nowMs: number;
}

export interface LivenessLimits {
  /** A consumer that takes nothing for this long, though it could, is stuck. */
  readonly stuckAfterMs: number;
  /** Restarts that did not help after which the process is given up. */
  readonly maxRestarts: number;
}

export type Verdict = "alive" | "idle" | "waiting" | "restart" | "give_up";

/**
 * Tells from sightings whether a consumer is alive. A connection can be up and bring nothing: after a failover, or
 * on a way that has gone silent, work then waits while the process looks healthy (BullMQ #3088 and the like).
 */
export function createLiveness({ stuckAfterMs, maxRestarts }: LivenessLimits): {
  judge(sighting: Sighting): Verdict;
  /** True from the moment a restart was needed until a job is taken, or none waits. */
  readonly isStuck: boolean;
} {
  let startedBefore = -1;
  let sinceMs = 0;
  let restarts = 0;
  return {
    get isStuck() {
      return restarts > 0;
    },
    judge({ waitingJobs, startedJobs, hasRoom, nowMs }) {
      const moved = startedJobs !== startedBefore;
      if (moved || waitingJobs === 0 || !hasRoom) {
        startedBefore = startedJobs;
        sinceMs = nowMs;
        if (moved || waitingJobs === 0) restarts = 0;
        return moved ? "alive" : "idle";
      }
      if (nowMs - sinceMs < stuckAfterMs) return "waiting";
      sinceMs = nowMs;
      restarts += 1;
      return restarts > maxRestarts ? "give_up" : "restart";
    },
  };
}
