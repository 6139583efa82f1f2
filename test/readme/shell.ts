import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { loadReadmeConfig } from "./config.ts";
import { root } from "./readme.ts";

export type Variables = Readonly<Record<string, string>>;

export interface Running extends AsyncDisposable {
  /** All that it has printed so far. */
  readonly output: string;
  /** Its exit code, `null` if a signal ended it. */
  readonly ended: Promise<number | null>;
  /** What Ctrl-C in a terminal does: the signal reaches the whole process group. */
  interrupt(): void;
}

const { inherited } = loadReadmeConfig(process.env);
const groups = new Set<number>();
process.on("exit", () => groups.forEach(interruptGroup));

/** Rejects when this process is asked to end. What still runs then is interrupted when it exits. */
export const asked = Promise.race(
  ["SIGINT", "SIGTERM", "SIGHUP"].map(async (signal): Promise<never> => {
    await once(process, signal);
    throw new Error(`Ended by ${signal}`);
  }),
);
asked.catch(() => {}); // not everyone waits for it

/** Starts a command as a terminal does. Disposing interrupts it and waits for its end. */
export function startCommand(command: string, variables: Variables): Running {
  const child = spawn("bash", ["-c", command], {
    cwd: root,
    env: { ...inherited, ...variables },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const group = child.pid;
  if (group === undefined) throw new Error("bash could not be started");
  groups.add(group);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = once(child, "close").then(([code]) => {
    groups.delete(group);
    return typeof code === "number" ? code : null;
  });
  const interrupt = (): void => interruptGroup(group);
  return {
    get output() {
      return output;
    },
    ended,
    interrupt,
    async [Symbol.asyncDispose]() {
      if (groups.has(group)) interrupt();
      await ended;
    },
  };
}

/** Runs a command to its end and gives what it printed. Throws with that if it fails or takes minutes. */
export async function runCommand(command: string, variables: Variables): Promise<string> {
  await using running = startCommand(command, variables);
  const code = await within(240_000, running.ended);
  if (code === 0) return running.output;
  throw new Error(`${command}\n${code === undefined ? "took too long" : `ended with ${code}`}:\n${running.output}`);
}

/** Waits until `isTrue`. Throws with what the command printed if that takes a minute, or if it ends before. */
export async function until(running: Running, what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  let code: number | null | undefined;
  void running.ended.then((exitCode) => {
    code = exitCode;
  });
  for (const deadline = performance.now() + 60_000; !(await isTrue()); await sleep(100)) {
    if (code !== undefined) throw new Error(`It ended with ${code} before ${what}:\n${running.output}`);
    if (performance.now() > deadline) throw new Error(`After a minute there is no sign of: ${what}\n${running.output}`);
  }
}

/** Interrupts it as Ctrl-C does. npm then tells nothing of the exit code. Throws if it does not end in half a minute. */
export async function stop(running: Running): Promise<void> {
  running.interrupt();
  if ((await within(30_000, running.ended)) !== undefined) return;
  throw new Error(`It does not end at Ctrl-C:\n${running.output}`);
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

function interruptGroup(group: number): void {
  try {
    process.kill(-group, "SIGINT");
  } catch {
    // it has just ended
  }
}
