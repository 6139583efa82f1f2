import { execFile } from "node:child_process";
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export interface DebianPackageOptions {
  /** Its packages; what the first one depends on comes along as far as this system lacks it. */
  readonly names: readonly [string, ...string[]];
  /** Where it is unpacked to; replaced as a whole. */
  readonly target: string;
  readonly searchPath: string;
  readonly signal?: AbortSignal;
}

/** A package of the distribution that was unpacked, not installed. */
export interface UnpackedPackage {
  /** Its files as they would lie below `/`. */
  readonly root: string;
  /** What its programs need to find their libraries there. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Downloads packages of the distribution, on Debian and Ubuntu, and unpacks them into `target`: nothing is installed
 * and no rights are needed. Of two that do so at once one's is kept. `undefined` where there is no apt; rejects when the
 * download failed.
 */
export async function downloadPackage(options: DebianPackageOptions): Promise<UnpackedPackage | undefined> {
  const { target, searchPath } = options;
  const run = commandRunner(options);
  if (!(await hasApt(run))) return undefined;
  await download(run, options);
  return await unpackedPackage(target, searchPath);
}

/** What was unpacked into a folder before; whether it is whole, or there, its user finds out. */
export async function unpackedPackage(root: string, searchPath: string): Promise<UnpackedPackage> {
  const libraries = await Promise.all(["usr/lib", "lib"].map((folder) => libraryFolders(join(root, folder))));
  return { root, environment: { PATH: searchPath, LD_LIBRARY_PATH: libraries.flat().join(delimiter) } };
}

type Run = (command: string, args: readonly string[], cwd?: string) => Promise<string>;

function commandRunner({ searchPath, signal }: DebianPackageOptions): Run {
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

async function download(run: Run, { names, target }: DebianPackageOptions): Promise<void> {
  const building = await mkdtemp(`${target}.`);
  try {
    await chmod(building, 0o755);
    const needed = await neededPackages(run, names, join(building, "apt"));
    const archives = join(building, "archives");
    await mkdir(archives);
    await run("apt-get", [...needed.lists, "download", ...needed.names], archives);
    const files = (await readdir(archives)).filter((name) => name.endsWith(".deb"));
    const root = join(building, "root");
    for (const file of files) await run("dpkg", ["-x", join(archives, file), root]);
    await rm(target, { recursive: true, force: true });
    await rename(root, target).catch(async (error: unknown) => {
      // Another process did the same a moment ago; what it has put there is as good.
      await access(target).catch(() => Promise.reject(error));
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/**
 * The packages to download: the named ones, and of what the first depends on only what this system lacks. A system
 * whose package lists are empty, as in container images, gets lists of its own in `privateFolder`.
 */
async function neededPackages(
  run: Run,
  wanted: readonly [string, ...string[]],
  privateFolder: string,
): Promise<{ names: string[]; lists: string[] }> {
  const plan = async (lists: string[]): Promise<{ names: string[]; lists: string[] }> => {
    const simulated = await run("apt-get", [...lists, "-s", "--no-install-recommends", "install", wanted[0]]);
    // The simulation prints a line such as "Inst libjemalloc2 (5.3.0-1 Debian:12 [amd64])" for each.
    const missing = [...simulated.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name);
    return { names: [...new Set([...wanted, ...missing])], lists };
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

/** Debian keeps libraries in a folder a processor, such as `x86_64-linux-gnu`. */
async function libraryFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.includes("-linux-")).map((name) => join(folder, name));
}

/** What apt said last, which is why it failed. */
export function lastLineOf(error: unknown): string {
  const text = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
  return text.trim().split("\n").at(-1) ?? "";
}
