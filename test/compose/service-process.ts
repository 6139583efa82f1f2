import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { root, type Service } from "./compose-file.ts";

export interface ServiceProcess extends AsyncDisposable {
  /** What the app says of itself once it is ready to work. */
  readonly ready: Promise<{ readonly url?: string }>;
  /** Its exit code, `null` if a signal ended it, with what it wrote to standard output and to standard error. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }>;
  stop(): void;
}

/**
 * Runs a service's command as its container would, but for the variables given here: it sees nothing else of our
 * own environment. Disposing kills it if it still runs.
 */
export function runService(
  { command, environment }: Pick<Service, "command" | "environment">,
  replaced: Readonly<Record<string, string>>,
): ServiceProcess {
  const child = spawn(process.execPath, command.slice(1), {
    cwd: root,
    env: variablesOf({ ...environment, ...replaced }),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const ended = endOf(child);
  const ready = Promise.race([
    once(child, "message").then(([message]) => message as { url?: string }), // sent by announceReady
    ended.then(({ code, output }) => {
      throw new Error(`${command.join(" ")} ended with ${code} before it was ready:\n${output}`);
    }),
  ]);
  ready.catch(() => {}); // a command that only does its work never becomes ready
  return {
    ready,
    ended,
    stop: () => child.kill("SIGTERM"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; output: string; errors: string }> {
  let output = "";
  let errors = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
    process.stderr.write(text);
  });
  const [code] = await once(child, "close");
  return { code, output, errors };
}

function variablesOf(environment: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
}
