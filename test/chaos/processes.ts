import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../compose/compose-file.ts";

/** A process that is started again whenever it ends, as an orchestrator does. */
export interface KeptProcess extends AsyncDisposable {
  readonly pid: number;
  /** How often it ended by itself, without having been killed by `kill`. */
  readonly crashes: number;
  kill(): void;
}

export async function keepRunning(main: string, env: Readonly<Record<string, string>>): Promise<KeptProcess> {
  let isWanted = true;
  let isKilled = false;
  let crashes = 0;
  let child = start();
  await once(child, "message");

  function start(): ChildProcess {
    const started = fork(main, { cwd: root, env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    started.once("exit", async () => {
      if (!isWanted) return;
      if (!isKilled) crashes += 1;
      isKilled = false;
      await sleep(250);
      if (isWanted) child = start();
    });
    return started;
  }

  return {
    get pid() {
      return child.pid ?? 0;
    },
    get crashes() {
      return crashes;
    },
    kill() {
      isKilled = true;
      child.kill("SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      isWanted = false;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** A process with all that it has started, as PostgreSQL has a process for each connection (Linux). */
export async function withDescendants(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

/** Signals those that are still there. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // it is gone
    }
  }
}
