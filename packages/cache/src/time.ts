import { setTimeout as sleep } from "node:timers/promises";

/** The clocks, and waiting. All in ms. */
export interface Time {
  /** Never goes back. */
  now(): number;
  /** Since 1970; may jump. */
  wall(): number;
  /** Rejects when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemTime: Time = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { ...(signal && { signal }), ref: false });
  },
};
