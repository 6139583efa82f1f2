import { chown } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import type { Account } from "./account.ts";
import { ServerError } from "./server-error.ts";

/** SQLite's code for "another process holds the lock". */
const busy = 5;

/**
 * Takes a data folder for this process, or rejects at once when another living process has it. The operating
 * system drops the lock with the process, whatever way that ends; SQLite is the way to such a lock (fcntl)
 * that Node brings along.
 */
export async function lockFolder(folder: string, account: Account | undefined): Promise<Disposable> {
  const file = `${folder}.lock`;
  const database = new DatabaseSync(file);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    const isTaken = cause instanceof Error && "errcode" in cause && cause.errcode === busy;
    throw new ServerError(
      isTaken
        ? `The data folder ${folder} is in use by another process of Millrace. ` +
            `Stop that one first, or give this one a folder of its own: DATA_DIR=… npm start`
        : `The data folder ${folder} cannot be locked by this user (${String(cause)}). ` +
            `Start as the user who owns it, or choose another folder: DATA_DIR=… npm start`,
      { cause },
    );
  }
  if (account !== undefined) await chown(file, account.uid, account.gid);
  return { [Symbol.dispose]: () => database.close() };
}
