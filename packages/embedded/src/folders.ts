import { createHash } from "node:crypto";
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type Account, canReach, give } from "./account.ts";
import { ServerError } from "./server-error.ts";

/** Where root keeps what the server's account could not reach in its own place. */
const rootFolder = "/var/lib/millrace";

/**
 * Makes `folder` and gives it back, or, when `account` cannot enter it (a clone below /root), a folder
 * elsewhere that depends on nothing but its path, so that the next start finds the same data.
 */
export async function reachableFolder(folder: string, account: Account | undefined): Promise<string> {
  const path = resolve(folder);
  const firstMade = await mkdir(path, { recursive: true });
  if (firstMade !== undefined) await give(account, firstMade);
  if (await canReach(account, path)) return path;
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 12);
  const elsewhere = join(await ownRootFolder(), `${basename(path).replace(/^\./, "")}-${hash}`);
  await mkdir(elsewhere, { recursive: true });
  await chmod(elsewhere, 0o755);
  return elsewhere;
}

/**
 * Gives `source` back, or, when `account` cannot use what it `needs` in there, a copy that it can. The copy
 * belongs to root and nobody else can write to it. `name` must change whenever the contents do.
 */
export async function reachableCopy(
  source: string,
  { name, needs, account }: { name: string; needs: readonly string[]; account: Account | undefined },
): Promise<string> {
  const usable = await Promise.all(needs.map((path) => canReach(account, join(source, path))));
  if (usable.every(Boolean)) return source;
  const target = join(await ownRootFolder(), name);
  if (await exists(target)) return target;
  const building = await mkdtemp(`${target}.`);
  try {
    await cp(source, building, { recursive: true, verbatimSymlinks: true });
    await openToAll(building);
    // Another process may have been faster; its copy is as good as ours.
    await rename(building, target).catch(async (error: unknown) => {
      if (!(await exists(target))) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return target;
}

async function ownRootFolder(): Promise<string> {
  if ((await mkdir(rootFolder, { recursive: true })) !== undefined) await chmod(rootFolder, 0o755);
  const { uid, mode } = await lstat(rootFolder);
  if (uid !== 0 || (mode & 0o022) !== 0 || (mode & 0o001) === 0) {
    throw new ServerError(
      `${rootFolder} must belong to root, be writable by root only and open to all. ` +
        `Change that, or put the clone and DATA_DIR where every user may enter.`,
    );
  }
  return rootFolder;
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
