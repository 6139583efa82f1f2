import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { BackupError } from "./backup-error.ts";

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The server's own programs. */
export interface Tools {
  readonly bin: string;
  /** Gives what a program wrote. Rejects with a `BackupError` that has what it said when it failed. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<string>;
}

export interface RunOptions {
  readonly account?: Account | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of each line on standard error. */
  readonly onLine?: (line: string) => void;
}

const needed = ["pg_basebackup", "pg_verifybackup", "pg_receivewal", "pg_waldump", "postgres"];

/**
 * Finds the programs of that very major version, which PostgreSQL asks for: in `folder`, along `searchPath`, and
 * where Debian keeps them. Rejects with a `BackupError` that says what to install.
 */
export async function findTools(major: number, searchPath: string, folder?: string): Promise<Tools> {
  const folders = [folder, ...searchPath.split(delimiter), `/usr/lib/postgresql/${major}/bin`];
  for (const bin of folders) {
    if (bin === undefined || bin === "") continue;
    const isWhole = await Promise.all(needed.map((name) => access(join(bin, name), constants.X_OK))).then(
      () => true,
      () => false,
    );
    if (!isWhole) continue;
    const version = await runProgram(join(bin, "postgres"), ["--version"]);
    if (Number(/\) (\d+)/.exec(version)?.[1]) === major) {
      return { bin, run: (program, args, options) => runProgram(join(bin, program), args, options) };
    }
  }
  throw new BackupError(
    `The server is PostgreSQL ${major}, and its programs (${needed.join(", ")}) were not found on PATH or in ` +
      `/usr/lib/postgresql/${major}/bin. Install them (Debian: apt-get install postgresql-${major}), or name their folder in PG_BIN`,
  );
}

async function runProgram(
  path: string,
  args: readonly string[],
  { account, signal, onLine }: RunOptions = {},
): Promise<string> {
  const child = spawn(path, args, {
    cwd: "/",
    env: { LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", "pipe", "pipe"],
    ...account,
    ...(signal && { signal }),
  });
  let out = "";
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
    for (const line of text.split(/[\r\n]+/)) if (line.trim() !== "") onLine?.(line.trim());
  });
  return await new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new BackupError(`${path}: ${cause.message}`, { cause })));
    child.once("close", (code) => {
      if (code === 0) resolve(out);
      else reject(new BackupError(`${path.split("/").at(-1)} failed: ${said.trim() || `exit code ${code}`}`));
    });
  });
}
