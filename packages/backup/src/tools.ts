import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { BackupError } from "./backup-error.ts";
import { spawnWithUs } from "./spawn-with-us.ts";

/** The server's own programs. */
export interface Tools {
  readonly bin: string;
  /** Gives what a program wrote. Rejects with a `BackupError` that has what it said when it failed. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<string>;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** The server to connect to; its password is not shown in the list of processes. */
  readonly url?: string | undefined;
  /** Told of each line on standard error. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Told of each line on standard output, which is then not kept. */
  readonly onOutput?: ((line: string) => void) | undefined;
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
  { signal, url, onLine, onOutput }: RunOptions = {},
): Promise<string> {
  signal?.throwIfAborted();
  const target = url === undefined ? undefined : connectionOf(url);
  const dbname = target === undefined ? [] : ["--dbname", target.url, "--no-password"];
  const { child, end } = spawnWithUs(path, [...dbname, ...args], { env: target?.env });
  signal?.addEventListener("abort", end, { once: true });
  let out = "";
  let said = "";
  const outputLine = onOutput && linesTo(onOutput);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (outputLine === undefined) out += text;
    else outputLine(text);
  });
  const errorLine = linesTo((line) => {
    if (line.trim() === "") return;
    said = `${said}${line.trim()}\n`.slice(-4_000);
    onLine?.(line.trim());
  });
  child.stderr.setEncoding("utf8").on("data", errorLine);
  const name = path.split("/").at(-1);
  return await new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new BackupError(`${path}: ${cause.message}`, { cause })));
    child.once("close", (code) => {
      errorLine("\n");
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve(out);
      else reject(new BackupError(`${name} failed: ${said.trim() || `exit code ${code}`}`));
    });
  });
}

/** Cuts what arrives into lines; a part of one waits for its rest. */
function linesTo(onLine: (line: string) => void): (text: string) => void {
  let part = "";
  return (text) => {
    const lines = (part + text).split(/[\r\n]+/);
    part = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  };
}

/** The parameters of an address that libpq knows too; it refuses others. */
const known = ["host", "port", "user", "sslmode", "sslrootcert", "sslcert", "sslkey"];

/** The address without its password, which goes by the environment. */
function connectionOf(text: string): { readonly url: string; readonly env: Record<string, string> } {
  const url = new URL(text);
  const password = url.searchParams.get("password") ?? decodeURIComponent(url.password);
  url.password = "";
  if (url.searchParams.get("sslmode") === "no-verify") url.searchParams.set("sslmode", "require");
  for (const name of [...url.searchParams.keys()]) if (!known.includes(name)) url.searchParams.delete(name);
  return { url: url.href, env: password === "" ? {} : { PGPASSWORD: password } };
}
