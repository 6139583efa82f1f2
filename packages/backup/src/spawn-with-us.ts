import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly account?: Account | undefined;
  /** What asks it to end. */
  readonly endSignal?: "TERM" | "QUIT";
}

/** With its output for us and nothing to read. */
export type SpawnedProgram = ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };

/**
 * Nobody writes to descriptor 3. It ends with us, however we end; then the whole group is told to, since pg_basebackup
 * leaves a child behind. The shell stays until the program has ended.
 */
const shell = `
trap : TERM QUIT
end=$1; shift
"$@" & child=$!
{ read -r _ <&3; kill -"$end" 0; } >/dev/null 2>&1 &
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"`;

/** Starts a program that also ends when this process is killed. */
export function spawnWithUs(
  path: string,
  args: readonly string[],
  { env, account, endSignal = "TERM" }: SpawnOptions = {},
): { readonly child: SpawnedProgram; readonly end: () => void } {
  const child = spawn("/bin/sh", ["-c", shell, "sh", endSignal, path, ...args], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC", ...env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
    ...account,
  });
  const life = child.stdio[3];
  const end = (): void => void life?.destroy();
  life?.on("error", () => {}); // it ended by itself
  child.once("exit", end);
  // The types do not tell which of them are pipes when there are more than three.
  return { child: child as SpawnedProgram, end };
}
