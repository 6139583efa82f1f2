import process from "node:process";
import type { Logger } from "./logger.ts";

/**
 * Resolves with the reason when the process is asked to end: SIGTERM, SIGINT, or, for a child with an
 * IPC channel, the end of its parent. After that the process has `graceMs` to finish by itself; when
 * the time is over, or at a second signal, it exits with code 1.
 */
export function terminationSignal({ graceMs, log }: { graceMs: number; log: Logger }): Promise<string> {
  return new Promise((resolve) => {
    let isAsked = false;
    const ask = (reason: string): void => {
      if (isAsked) {
        log.warn({ reason }, "asked again to end: exiting at once");
        process.exit(1);
      }
      isAsked = true;
      // The way to the parent must not keep a process alive that has nothing left to do.
      process.channel?.unref();
      setTimeout(() => {
        log.error({ graceMs }, "could not finish in time: exiting");
        process.exit(1);
      }, graceMs).unref();
      resolve(reason);
    };
    process.on("SIGTERM", () => ask("SIGTERM"));
    process.on("SIGINT", () => ask("SIGINT"));
    if (process.channel) {
      process.once("disconnect", () => {
        if (!isAsked) ask("the parent process has gone");
      });
    }
  });
}

/** Tells a parent process that waits for it that this one is ready to work. Without a parent, nothing happens. */
export function announceReady(details: { url?: string } = {}): void {
  process.send?.({ type: "ready", ...details });
}
