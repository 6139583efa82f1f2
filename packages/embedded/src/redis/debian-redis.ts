import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { localRedis } from "./local-redis.ts";
import type { RedisProgram } from "./redis-program.ts";

interface DebianOptions {
  readonly cacheDir: string;
  readonly searchPath: string;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The distribution's own Redis, on Debian and Ubuntu, downloaded and unpacked into `cacheDir`: nothing is
 * installed and no rights are needed. `undefined` where there is no apt or the download failed; the log
 * says why.
 */
export async function debianRedis(options: DebianOptions): Promise<RedisProgram | undefined> {
  const unpacked = join(options.cacheDir, "redis");
  const kept = await unpackedRedis(unpacked, options.searchPath);
  if (kept !== undefined) return kept;
  const run = commandRunner(options);
  if (!(await hasApt(run))) return undefined;
  options.log("There is no redis-server on PATH; downloading the distribution's package (nothing is installed)");
  try {
    await mkdir(options.cacheDir, { recursive: true });
    await download(run, unpacked);
    return await unpackedRedis(unpacked, options.searchPath);
  } catch (error) {
    options.signal?.throwIfAborted();
    options.log(`The Redis package could not be obtained: ${lastLineOf(error)}`);
    return undefined;
  }
}

type Run = (command: string, args: readonly string[], cwd?: string) => Promise<string>;

function commandRunner({ searchPath, signal }: DebianOptions): Run {
  return async (command, args, cwd) => {
    const env = { PATH: searchPath, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };
    const { stdout } = await promisify(execFile)(command, args, {
      ...{ cwd, env, timeout: 120_000, maxBuffer: 2 ** 24 },
      ...(signal ? { signal } : {}),
    });
    return stdout;
  };
}

async function hasApt(run: Run): Promise<boolean> {
  return await Promise.all([run("apt-get", ["--version"]), run("dpkg", ["--version"])]).then(
    () => true,
    () => false,
  );
}

async function download(run: Run, target: string): Promise<void> {
  const building = await mkdtemp(`${target}.`);
  try {
    await chmod(building, 0o755);
    const { names, lists } = await neededPackages(run, join(building, "apt"));
    const archives = join(building, "archives");
    await mkdir(archives);
    await run("apt-get", [...lists, "download", ...names], archives);
    const files = (await readdir(archives)).filter((name) => name.endsWith(".deb"));
    const root = join(building, "root");
    for (const file of files) await run("dpkg", ["-x", join(archives, file), root]);
    await rm(target, { recursive: true, force: true });
    await rename(root, target);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/**
 * The packages to download: Redis itself, and of what it depends on only what this system lacks. A system
 * whose package lists are empty, as in container images, gets lists of its own in `privateFolder`.
 */
async function neededPackages(run: Run, privateFolder: string): Promise<{ names: string[]; lists: string[] }> {
  const plan = async (lists: string[]): Promise<{ names: string[]; lists: string[] }> => {
    const simulated = await run("apt-get", [...lists, "-s", "--no-install-recommends", "install", "redis-server"]);
    // The simulation prints a line such as "Inst libjemalloc2 (5.3.0-1 Debian:12 [amd64])" for each.
    const missing = [...simulated.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name);
    return { names: [...new Set(["redis-server", "redis-tools", ...missing])], lists };
  };
  try {
    return await plan([]);
  } catch {
    await mkdir(join(privateFolder, "lists/partial"), { recursive: true });
    await mkdir(join(privateFolder, "archives/partial"), { recursive: true });
    const lists = ["-o", `Dir::State::Lists=${privateFolder}/lists`, "-o", `Dir::Cache=${privateFolder}`];
    await run("apt-get", [...lists, "update"]);
    return await plan(lists);
  }
}

async function unpackedRedis(root: string, searchPath: string): Promise<RedisProgram | undefined> {
  const libraries = await Promise.all(["usr/lib", "lib"].map((folder) => libraryFolders(join(root, folder))));
  return await localRedis({
    file: join(root, "usr/bin/redis-server"),
    environment: { PATH: searchPath, LD_LIBRARY_PATH: libraries.flat().join(delimiter) },
  });
}

/** Debian keeps libraries in a folder a processor, such as `x86_64-linux-gnu`. */
async function libraryFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.includes("-linux-")).map((name) => join(folder, name));
}

function lastLineOf(error: unknown): string {
  const text = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
  return text.trim().split("\n").at(-1) ?? "";
}
