import { setTimeout as sleep } from "node:timers/promises";

export interface LoopOptions {
  readonly everyMs: number;
  readonly tick: (signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Runs `tick` now and then every `everyMs`, never twice at once, until disposed. Disposing waits for a running tick. */
export function startLoop({ everyMs, tick, onError }: LoopOptions): AsyncDisposable {
  const stop = new AbortController();
  const stopped = run(stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await stopped;
    },
  };

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await tick(signal).catch(onError);
      // Rejects only when stopped.
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  }
}
