import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "@millrace/runtime";
import { ServerError } from "./server-error.ts";

export interface ProcessPlan {
  /** How log lines and errors call it. */
  readonly name: string;
  /** Starts it in a process group of its own, so that a terminal's Ctrl-C reaches only us. */
  readonly spawn: () => ChildProcess;
  /** Resolves when it can be used. */
  readonly ready: (child: ChildProcess, signal: AbortSignal) => Promise<void>;
  readonly startTimeoutMs: number;
  /** Once aborted, no start is waited for any longer. */
  readonly signal?: AbortSignal;
  /** Asks it to end … */
  readonly stopSignal: NodeJS.Signals;
  /** … and, when that took longer than `stopTimeoutMs` or `hurry` was aborted, makes it. */
  readonly killSignal?: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  readonly hurry?: AbortSignal;
  /** What it said last, for the error when it does not start. */
  readonly lastOutput: () => Promise<string>;
  readonly log: (line: string) => void;
}

/** Tries again after a crash come at these intervals at most. */
const restartBackoff = { baseMs: 250, maxMs: 10_000 };

/**
 * Starts a process and keeps it running: when it dies unasked it is started again, with growing pauses. Rejects
 * when the first start fails. Disposing stops it and waits for its end.
 */
export async function startProcess(plan: ProcessPlan): Promise<AsyncDisposable> {
  const stop = new AbortController();
  let child = await launch(plan);
  const supervised = supervise();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await supervised;
    },
  };

  async function supervise(): Promise<void> {
    let failures = 0;
    while (!stop.signal.aborted) {
      const upSince = performance.now();
      await exitOf(child, stop.signal);
      if (stop.signal.aborted) break;
      if (performance.now() - upSince > 60_000) failures = 0;
      plan.log(`${plan.name} ended unexpectedly (${describeExit(child)}); starting it again`);
      child = await relaunch(() => failures++);
    }
    await end(plan, child);
  }

  async function relaunch(failure: () => number): Promise<ChildProcess> {
    while (true) {
      await sleep(restartBackoff.baseMs / 2 + backoffMs(restartBackoff, failure()), undefined, {
        signal: stop.signal,
      }).catch(() => {});
      if (stop.signal.aborted) return child;
      try {
        const next = await launch(plan, stop.signal);
        plan.log(`${plan.name} is running again`);
        return next;
      } catch (error) {
        if (!stop.signal.aborted) plan.log(error instanceof Error ? error.message : String(error));
      }
    }
  }
}

/** Spawns it and waits until it is ready; when that fails, nothing is left running. */
async function launch(plan: ProcessPlan, stop?: AbortSignal): Promise<ChildProcess> {
  const child = plan.spawn();
  // Each wait below listens for failures itself; between them a failure shows as a missing process.
  child.on("error", () => {});
  const given = AbortSignal.any([
    AbortSignal.timeout(plan.startTimeoutMs),
    ...[stop, plan.signal].filter((s) => s !== undefined),
  ]);
  const over = new AbortController();
  const dead = exitOf(child, over.signal).then(() => {
    if (!over.signal.aborted) throw new Error(describeExit(child));
  });
  try {
    await Promise.race([plan.ready(child, AbortSignal.any([given, over.signal])), dead]);
    given.throwIfAborted();
    return child;
  } catch (cause) {
    const lateness = plan.signal?.aborted ? "interrupted" : `not ready after ${plan.startTimeoutMs / 1000} s`;
    const reason = given.aborted && isRunning(child) ? lateness : String(cause);
    over.abort();
    await end(plan, child);
    const output = (await plan.lastOutput()).trim();
    throw new ServerError(
      [`${plan.name} did not start: ${reason.replace(/^Error: /, "")}.`, output && `It said last:\n${output}`]
        .filter(Boolean)
        .join(" "),
      { cause },
    );
  } finally {
    over.abort();
    await dead.catch(() => {});
  }
}

async function end(plan: ProcessPlan, child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  child.kill(plan.stopSignal);
  const patience = AbortSignal.any([AbortSignal.timeout(plan.stopTimeoutMs), ...(plan.hurry ? [plan.hurry] : [])]);
  await exitOf(child, patience);
  if (!isRunning(child)) return;
  plan.log(`${plan.name} is made to end (${plan.hurry?.aborted ? "asked to hurry" : "it took too long"})`);
  child.kill(plan.killSignal ?? "SIGKILL");
  await exitOf(child, AbortSignal.timeout(10_000));
  if (isRunning(child)) child.kill("SIGKILL");
  await exitOf(child);
}

/** Resolves when the child has ended, could not even be started, or `signal` is aborted. */
function exitOf(child: ChildProcess, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      child.off("exit", done);
      child.off("error", done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    if (!isRunning(child) || signal?.aborted) return resolve();
    child.on("exit", done);
    child.on("error", done);
    signal?.addEventListener("abort", done);
  });
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function describeExit(child: ChildProcess): string {
  if (child.pid === undefined) return `it could not be executed (${child.spawnfile})`;
  return child.signalCode === null ? `exit code ${child.exitCode}` : `killed by ${child.signalCode}`;
}
