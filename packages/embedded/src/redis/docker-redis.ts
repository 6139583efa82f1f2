import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { type RedisProgram, type RedisRun, redisConfig } from "./redis-program.ts";

const image = "redis:8-alpine";

/** Redis in a container, if a Docker engine answers. Its data is kept in a volume named for the data folder. */
export async function dockerRedis(searchPath: string): Promise<RedisProgram | undefined> {
  const environment = { PATH: searchPath };
  const docker = async (...args: string[]): Promise<void> => {
    await promisify(execFile)("docker", args, { env: environment });
  };
  try {
    await promisify(execFile)("docker", ["version"], { env: environment, timeout: 10_000 });
  } catch {
    return undefined; // no client, or no engine behind it
  }
  return {
    description: `Redis in Docker (${image})`,
    prepare: async (run) => {
      await docker("rm", "--force", containerOf(run)).catch(() => {}); // there was none
      await docker("image", "inspect", image).catch(() => docker("pull", image));
    },
    spawn: (run) => spawnContainer(run, environment),
  };
}

function spawnContainer(run: RedisRun, env: NodeJS.ProcessEnv): ChildProcess {
  const name = containerOf(run);
  const volume = run.appendOnly ? ["--volume", `${name}:/data`] : [];
  const child = spawn(
    "docker",
    [
      "run",
      "--rm",
      "-i",
      "--name",
      name,
      "--publish",
      `127.0.0.1:${run.port}:6379`,
      ...volume,
      image,
      "redis-server",
      "-",
    ],
    { env, stdio: run.stdio, detached: true },
  );
  child.stdin?.on("error", () => {});
  // Only the published port, which is on the loopback address, leads into the container.
  child.stdin?.end(redisConfig(run, { bind: "0.0.0.0", port: 6379, dir: "/data" }));
  return child;
}

function containerOf({ dataDir }: RedisRun): string {
  return `millrace-redis-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;
}
