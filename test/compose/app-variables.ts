import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { root } from "./compose-file.ts";

const run = promisify(execFile);

/** The variables that an app says it reads, with their defaults, from its `--help`. */
export async function variablesOf(command: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
  const { stdout } = await run(process.execPath, [...command.slice(1), "--help"], { cwd: root });
  return new Map(
    stdout.matchAll(/^ *([A-Z][A-Z_]+) .*?(?:\(default (.*)\))?$/gm).map(([, name = "", value]) => [name, value]),
  );
}
