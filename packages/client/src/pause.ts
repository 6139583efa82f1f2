/** `setTimeout` takes anything longer for 1 ms. */
const longestTimerMs = 2 ** 31 - 1;

/** Waits that can be cut short together, and that keep no process running. */
export interface Pause {
  /** How many wait. */
  readonly waiting: number;
  /** Resolves at `time` of `performance.now()`, or at the next `wake`. */
  until(time: number): Promise<void>;
  wake(): void;
}

export function createPause(): Pause {
  const sleepers = new Set<() => void>();
  return {
    get waiting() {
      return sleepers.size;
    },
    until: (time) =>
      new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        const end = (): void => {
          clearTimeout(timer);
          sleepers.delete(end);
          resolve();
        };
        const sleep = (): void => {
          const leftMs = time - performance.now();
          if (leftMs <= 0) end();
          else timer = setTimeout(sleep, Math.min(Math.ceil(leftMs), longestTimerMs)).unref();
        };
        sleepers.add(end);
        sleep();
      }),
    wake() {
      for (const end of [...sleepers]) end();
    },
  };
}

/** Keeps the process running while somebody waits for us, which the unref'ed timers alone would not. */
export function createHold(): { during<T>(work: Promise<T>): Promise<T> } {
  let holders = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    async during(work) {
      holders += 1;
      timer ??= setInterval(() => {}, longestTimerMs);
      try {
        return await work;
      } finally {
        holders -= 1;
        if (holders === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      }
    },
  };
}
