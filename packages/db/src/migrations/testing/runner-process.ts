import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { MigrateUpOptions } from "../migrate.ts";

/** A process of its own that calls `migrateUp` when told to. */
export interface RunnerProcess extends AsyncDisposable {
  start(): void;
  /** What it applied, or how it failed. */
  result(): Promise<{ applied?: string[]; error?: string }>;
  /** Ends it as a power cut would, and waits until it has ended. */
  kill(): Promise<void>;
}

/** Resolves when the process is loaded and waits for `start`. */
export async function forkRunner(options: Omit<MigrateUpOptions, "log">): Promise<RunnerProcess> {
  const child = fork(fileURLToPath(new URL("./runner-main.ts", import.meta.url)), [JSON.stringify(options)], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "message");
  return {
    start: () => void child.send("start"),
    async result() {
      const [message] = await once(child, "message");
      return message;
    },
    kill: () => killed(child),
    [Symbol.asyncDispose]: () => killed(child),
  };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
