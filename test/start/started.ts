import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadTestConfig } from "@millrace/embedded/testing";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Started extends AsyncDisposable {
  /** Resolves with everything that was printed once `npm start` says that it is ready; rejects if it ends before. */
  readonly banner: Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  readonly pid: number;
  interrupt(): void;
}

/** Runs what `npm start` runs. It sees of our own environment only the PATH. Disposing interrupts it. */
export function startMillrace(env: Readonly<Record<string, string>>): Started {
  const child = spawn(process.execPath, ["apps/cli/src/main.ts", "start"], {
    cwd: root,
    env: { PATH: loadTestConfig(process.env).searchPath, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const { promise: banner, resolve, reject } = Promise.withResolvers<string>();
  banner.catch(() => {}); // not every test waits for it
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes("Ctrl-C stops everything")) resolve(output);
    });
  }
  const ended = once(child, "close").then(([code]) => {
    reject(new Error(`npm start ended with ${code} before it was ready:\n${output}`));
    return { code: typeof code === "number" ? code : null, output };
  });
  return {
    banner,
    ended,
    pid: child.pid ?? 0,
    interrupt: () => child.kill("SIGINT"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
