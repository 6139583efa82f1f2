import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type RedisProgram, type RedisRun, redisConfig } from "./redis-program.ts";

/** The oldest Redis that BullMQ recommends. */
const oldest = { major: 6, minor: 2 };

export interface RedisExecutable {
  readonly file: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** `redis-server` or `valkey-server` in one of the folders of `searchPath`, if new enough. */
export async function redisOnPath(searchPath: string): Promise<RedisProgram | undefined> {
  for (const name of ["redis-server", "valkey-server"]) {
    for (const folder of searchPath.split(delimiter)) {
      const program = await localRedis({ file: join(folder, name), environment: { PATH: searchPath } });
      if (program !== undefined) return program;
    }
  }
  return undefined;
}

/** The executable as a program, or `undefined` when it is absent, too old or does not run here. */
export async function localRedis({ file, environment }: RedisExecutable): Promise<RedisProgram | undefined> {
  try {
    await access(file, constants.X_OK);
    const { stdout } = await promisify(execFile)(file, ["--version"], { env: environment });
    const version = /v=([\d.]+)/.exec(stdout)?.[1] ?? "0";
    if (!isRecent(version)) return undefined;
    const name = basename(file) === "valkey-server" ? "Valkey" : "Redis";
    return { description: `${name} ${version} (${file})`, spawn: (run) => spawnRedis({ file, environment }, run) };
  } catch {
    return undefined;
  }
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor);
}

function spawnRedis({ file, environment }: RedisExecutable, run: RedisRun): ChildProcess {
  const child = spawn(file, ["-"], {
    cwd: run.dataDir,
    env: environment,
    stdio: run.stdio,
    detached: true,
    ...run.account,
  });
  // A server that is gone before it has read its configuration shows as one that has ended.
  child.stdin?.on("error", () => {});
  child.stdin?.end(redisConfig(run, { bind: "127.0.0.1", port: run.port, dir: run.dataDir }));
  return child;
}
