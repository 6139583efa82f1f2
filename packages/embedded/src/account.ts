import { execFile } from "node:child_process";
import type { Stats } from "node:fs";
import { lchown, lstat, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { ServerError } from "./server-error.ts";

/** The account a server runs under when we are root: PostgreSQL refuses to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account for the servers whose data is in `folder`: `undefined` (our own) unless we are root. Root takes
 * the owner of the folder, or of the nearest folder above that exists, when that is an ordinary user, so that
 * data made by `sudo npm start` stays that user's; else the system user `postgres`, else `nobody`. No user is
 * ever created.
 */
export async function serverAccount(folder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { uid } = await nearestFolder(resolve(folder));
  const owner = uid === 0 ? undefined : await accountOf(String(uid));
  const account = owner ?? (await accountOf("postgres")) ?? (await accountOf("nobody"));
  if (account !== undefined) return account;
  throw new ServerError(
    "PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody to run it as. " +
      "Start Millrace as an ordinary user.",
  );
}

async function nearestFolder(folder: string): Promise<Stats> {
  const found = await stat(folder).catch(() => undefined);
  return found ?? (await nearestFolder(dirname(folder)));
}

/** The account of a user, by name or number, who is known to the system. */
async function accountOf(user: string): Promise<Account | undefined> {
  const run = promisify(execFile);
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", user]), run("id", ["-g", user])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined; // there is no such user
  }
}

/** True when `account` may pass through every folder down to `path`, and use `path` itself. */
export async function canReach(account: Account | undefined, path: string): Promise<boolean> {
  if (account === undefined) return true;
  let step = await realpath(path);
  if (!allows(account, await stat(step), 0o5)) return false;
  while (step !== dirname(step)) {
    step = dirname(step);
    if (!allows(account, await stat(step), 0o1)) return false;
  }
  return true;
}

/** `wanted` is a mask of read (4), write (2) and execute or pass (1). */
function allows({ uid, gid }: Account, { mode, ...file }: Stats, wanted: number): boolean {
  const granted = file.uid === uid ? mode >> 6 : file.gid === gid ? mode >> 3 : mode;
  return (granted & wanted) === wanted;
}

/** Gives a folder and everything in it to `account`; nothing happens when that is our own. */
export async function give(account: Account | undefined, path: string): Promise<void> {
  if (account === undefined) return;
  const { uid, gid } = account;
  const file = await lstat(path);
  if (file.uid !== uid) await lchown(path, uid, gid);
  if (!file.isDirectory()) return;
  for (const name of await readdir(path)) await give(account, join(path, name));
}
