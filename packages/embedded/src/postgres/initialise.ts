import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Account, give } from "../account.ts";
import { ServerError } from "../server-error.ts";
import type { PostgresBinaries } from "./find-postgres.ts";

/** The superuser of a server of ours. */
export const superuser = "millrace";

/** The major version that made the data, or `undefined` when there is none yet. */
export async function dataMajorOf(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, "PG_VERSION"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/**
 * Makes an empty cluster: UTF-8, sorted by code point, passwords required. It is built beside its place and
 * moved there when it is whole, so that a crash in the middle leaves nothing half-made.
 */
export async function initialise(
  { root, major }: PostgresBinaries,
  dataDir: string,
  {
    password,
    account,
    environment,
  }: { password: string; account: Account | undefined; environment: NodeJS.ProcessEnv },
): Promise<void> {
  const building = `${dataDir}.new`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const cluster = join(building, "cluster");
  const passwordFile = join(building, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  await chmod(building, 0o700);
  await give(account, building);
  const locale = major >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : [];
  try {
    await promisify(execFile)(
      join(root, "bin/initdb"),
      [
        `--pgdata=${cluster}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        ...locale,
      ],
      { cwd: building, env: environment, ...account },
    );
  } catch (cause) {
    const detail = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : String(cause);
    await rm(building, { recursive: true, force: true });
    throw new ServerError(`PostgreSQL's initdb failed for ${dataDir}: ${detail}`, { cause });
  }
  await rm(dataDir, { recursive: true, force: true });
  await rename(cluster, dataDir);
  await rm(building, { recursive: true, force: true });
}
