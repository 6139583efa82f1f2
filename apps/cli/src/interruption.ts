import process from "node:process";

/** The exit code that a shell gives a program that Ctrl-C ended. */
export const interruptedCode = 130;

/** The signal is aborted by the first Ctrl-C or SIGTERM; a second one ends the process as usual. */
export function listenForInterruption(): Disposable & { readonly signal: AbortSignal } {
  const interruption = new AbortController();
  const abort = (): void => interruption.abort();
  process.once("SIGINT", abort);
  process.once("SIGTERM", abort);
  return {
    signal: interruption.signal,
    [Symbol.dispose]: () => {
      process.off("SIGINT", abort);
      process.off("SIGTERM", abort);
    },
  };
}
