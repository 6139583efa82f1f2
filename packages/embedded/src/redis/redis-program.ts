import type { ChildProcess, StdioOptions } from "node:child_process";
import type { Account } from "../account.ts";

/** What one run of Redis needs to know. */
export interface RedisRun {
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
  readonly appendOnly: boolean;
  /** When what was written reaches the disk: before the answer, or within a second. */
  readonly appendfsync: "always" | "everysec";
  /** Further lines of its configuration. */
  readonly settings: readonly string[];
  readonly account: Account | undefined;
  readonly stdio: StdioOptions;
}

/** A way to run Redis on this machine. */
export interface RedisProgram {
  readonly description: string;
  /** What must be done before each run, such as clearing away what a killed run left behind. */
  readonly prepare?: (run: RedisRun) => Promise<void>;
  readonly spawn: (run: RedisRun) => ChildProcess;
}

/**
 * The configuration, handed over on standard input, so that the password is in no file and no command line.
 * Never evicting is what a queue needs: a job that vanished was accepted and lost.
 */
export function redisConfig(
  { password, appendOnly, appendfsync, settings }: RedisRun,
  { bind, port, dir }: { bind: string; port: number; dir: string },
): string {
  return [
    `bind ${bind}`,
    `port ${port}`,
    `dir ${JSON.stringify(dir)}`,
    `requirepass ${password}`,
    "maxmemory-policy noeviction",
    `appendonly ${appendOnly ? "yes" : "no"}`,
    `appendfsync ${appendfsync}`,
    'save ""',
    ...settings,
    "",
  ].join("\n");
}
