import { createPause, type Pause } from "./pause.ts";

/** The flushes under way. Each waits until the events up to a number are decided. */
export interface Flushes {
  /** Resolves when `end` is called for `through`, or after `timeoutMs`. */
  wait(through: number, timeoutMs: number): Promise<void>;
  /** Ends the flushes that wait for no event from `firstUndecided` on. */
  end(firstUndecided: number): void;
}

export function createFlushes(): Flushes {
  const open = new Map<Pause, number>();
  return {
    async wait(through, timeoutMs) {
      const pause = createPause();
      open.set(pause, through);
      await pause.until(performance.now() + timeoutMs);
      open.delete(pause);
    },
    end(firstUndecided) {
      for (const [pause, through] of open) if (through < firstUndecided) pause.wake();
    },
  };
}
