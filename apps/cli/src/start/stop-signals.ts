import process from "node:process";

export interface StopSignals {
  /** Aborted at the first Ctrl-C, SIGTERM or SIGHUP, and when the process that started this one has gone. */
  readonly stop: AbortSignal;
  /** Aborted at a Ctrl-C after that. Only a person is in a hurry: what passes signals on may send several. */
  readonly hurry: AbortSignal;
}

/** Listens for as long as the process lives, which it does not prolong. */
export function listenForStop(): StopSignals {
  const stop = new AbortController();
  const hurry = new AbortController();
  process.on("SIGINT", () => (stop.signal.aborted ? hurry : stop).abort());
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  if (process.channel) {
    process.once("disconnect", () => stop.abort());
    process.channel.unref();
  }
  return { stop: stop.signal, hurry: hurry.signal };
}
