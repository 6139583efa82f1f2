import process from "node:process";
import type { Exit } from "./options.ts";

/** Closes the client when the process is about to end. Disposing forgets that. */
export function closeOnExit(
  exits: readonly Exit[],
  needs: { isEmpty(): boolean; close(): Promise<unknown> },
): Disposable {
  const removals = exits.map((exit) => {
    const listener = exit === "beforeExit" ? beforeExit : atSignal;
    process.on(exit, listener);
    return () => void process.removeListener(exit, listener);
  });
  return {
    [Symbol.dispose]() {
      for (const remove of removals) remove();
    },
  };

  function beforeExit(): void {
    if (!needs.isEmpty()) void needs.close();
  }

  /** Our listener keeps the signal from ending the process, so we end it, unless others want the signal too. */
  function atSignal(signal: NodeJS.Signals): void {
    void needs.close().then(() => {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}
