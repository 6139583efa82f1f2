import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { type ProcessPlan, startProcess } from "@millrace/embedded";

/** What all apps of one `npm start` have in common. */
export interface AppSurroundings {
  /** The root of the clone. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborting gives up a start that is under way. */
  readonly stop: AbortSignal;
  readonly hurry: AbortSignal;
  readonly log: (line: string) => void;
}

export interface AppProcessOptions extends AppSurroundings {
  readonly name: string;
  /** Its main module, from the root of the clone. */
  readonly main: string;
}

const keptOutputLines = 20;

/**
 * Runs an app as a process of its own until disposed; resolves when the app says that it is ready. Its output is
 * shown from then on; what it says before is part of the error when it does not start.
 */
export async function startApp(options: AppProcessOptions): Promise<AsyncDisposable> {
  const { name, main, root, env, stop, hurry, log } = options;
  let early = "";
  let isReady = false;
  const take = (text: string): void => {
    if (isReady) process.stdout.write(text);
    else early += text;
  };
  const plan: ProcessPlan = {
    name,
    spawn: () => {
      early = "";
      isReady = false;
      const child = spawn(process.execPath, [main], {
        cwd: root,
        env: { ...env },
        detached: true,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      });
      child.stdout?.setEncoding("utf8").on("data", take);
      child.stderr?.setEncoding("utf8").on("data", take);
      return child;
    },
    ready: async (child, signal) => {
      await readiness(name, child, signal);
      isReady = true;
      process.stdout.write(early);
    },
    startTimeoutMs: 30_000,
    signal: stop,
    stopSignal: "SIGTERM",
    killSignal: "SIGKILL",
    stopTimeoutMs: 30_000,
    hurry,
    lastOutput: async () => early.trimEnd().split("\n").slice(-keptOutputLines).join("\n"),
    log,
  };
  return await startProcess(plan);
}

function readiness(name: string, child: ChildProcess, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("exit", () => reject(new Error(`${name} ended before it was ready`)));
    signal.addEventListener("abort", () => reject(new Error(`${name} was not ready in time`)), { once: true });
  });
}
