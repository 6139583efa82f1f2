import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { type Account, give } from "./account.ts";

/** What a server keeps between runs beside its data folder, readable by its owner only. */
export interface ServerFacts {
  readonly password: string;
  /** The port of the last run. */
  readonly port: number | undefined;
  /** True when they were made just now. */
  readonly isNew: boolean;
}

/** Reads the facts from `<folder>.json`, or makes new ones when there are none yet. */
export async function loadFacts(folder: string): Promise<ServerFacts> {
  const text = await readFile(factsFile(folder), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return { password: randomBytes(24).toString("base64url"), port: undefined, isNew: true };
  const facts: unknown = JSON.parse(text);
  if (typeof facts !== "object" || facts === null || !("password" in facts)) {
    throw new Error(`${factsFile(folder)} is damaged: it has no password. Restore it from a backup.`);
  }
  const port = "port" in facts ? Number(facts.port) : undefined;
  return { password: String(facts.password), port, isNew: false };
}

export async function saveFacts(
  folder: string,
  { password, port }: ServerFacts,
  account: Account | undefined,
): Promise<void> {
  const file = factsFile(folder);
  await writeFile(`${file}.new`, JSON.stringify({ password, port }), { mode: 0o600, flush: true });
  await give(account, `${file}.new`);
  await rename(`${file}.new`, file);
}

function factsFile(folder: string): string {
  return `${folder}.json`;
}
