import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { type ProcessPlan, startProcess } from "@millrace/embedded";

export interface AppProcessOptions {
  readonly name: string;
  /** Its main module, from the root of the clone. */
  readonly main: string;
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stop: AbortSignal;
  readonly hurry: AbortSignal;
  readonly log: (line: string) => void;
}

const keptOutputLines = 20;

/** Runs an app as a process of its own until disposed; resolves when the app says that it is ready. */
export async function startApp({ name, main, root, env, stop, hurry, log }: AppProcessOptions): Promise<AsyncDisposable> {
  const lastLines: string[] = [];
  const keep = (text: string): void => {
    process.stdout.write(text);
    lastLines.push(...text.split("\n").filter((line) => line !== ""));
    lastLines.splice(0, lastLines.length - keptOutputLines);
  };
  const plan: ProcessPlan = {
    name,
    spawn: () => {
      const child = spawn(process.execPath, [main], {
        cwd: root,
        env: { ...env },
        detached: true,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      });
      child.stdout?.setEncoding("utf8").on("data", keep);
      child.stderr?.setEncoding("utf8").on("data", keep);
      return child;
    },
    ready: (child, signal) => readiness(name, child, signal),
    startTimeoutMs: 30_000,
    signal: stop,
    stopSignal: "SIGTERM",
    killSignal: "SIGKILL",
    stopTimeoutMs: 30_000,
    hurry,
    lastOutput: async () => lastLines.join("\n"),
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
