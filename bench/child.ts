import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadBenchConfig } from "./config.ts";

/** Runs a module of this repository as a process of its own and waits until it says that it is ready. */
export async function startChild(
  path: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<{ readonly url: string; readonly pid: number } & AsyncDisposable> {
  const child = fork(fileURLToPath(new URL(`../${path}`, import.meta.url)), args, {
    env: { ...loadBenchConfig(process.env).inherited, ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    // Every program that is started here announces itself in this form.
    child.once("message", (message) => resolve((message as { url?: string }).url ?? ""));
    child.once("exit", () => reject(new Error(`${path} ended before it was ready`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}
