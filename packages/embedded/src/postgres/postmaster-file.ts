import { execFile } from "node:child_process";
import { readdir, readFile, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** What a running postmaster says of itself in `postmaster.pid`. */
interface Postmaster {
  readonly pid: number;
  readonly isReady: boolean;
}

/** Reads the file; after a `kill -9` it may speak of a process that is gone. */
async function readPostmasterFile(dataDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(dataDir, "postmaster.pid"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split("\n");
  return { pid: Number(lines[0]), isReady: lines[7]?.trim() === "ready" };
}

/** Resolves when the postmaster `pid` says in its file that it takes connections: what `pg_ctl --wait` does. */
export async function postmasterReady(dataDir: string, pid: number | undefined, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const postmaster = await readPostmasterFile(dataDir);
    if (postmaster?.pid === pid && postmaster?.isReady) return;
    await sleep(10, undefined, { signal }).catch(() => {});
  }
}

/**
 * Clears away what a killed run left on this data: a postmaster that still runs is stopped, and a file that
 * speaks of one that is gone is removed. PostgreSQL itself refuses to start when the process id in that file is
 * taken, if only by a dead process that nobody has collected, which is usual in containers. Call
 * it with the folder's lock held.
 */
export async function clearLeftover(dataDir: string, log: (line: string) => void): Promise<void> {
  const postmaster = await readPostmasterFile(dataDir);
  if (postmaster === undefined || !(postmaster.pid > 1)) return;
  if ((await commandLineOf(postmaster.pid)).includes(dataDir)) {
    log(`A PostgreSQL of an earlier run that was killed still runs (process ${postmaster.pid}); stopping it`);
    await stopProcess(postmaster.pid, 30_000);
  }
  if (process.platform !== "linux") return;
  const folder = await realpath(dataDir);
  const until = performance.now() + 10_000;
  while (await isLivedIn(folder)) {
    if (performance.now() > until) return; // PostgreSQL will say what it thinks of that
    await sleep(20);
  }
  await rm(join(dataDir, "postmaster.pid"), { force: true });
}

/** True while any process works in the folder, as every process of PostgreSQL does in its data. */
async function isLivedIn(folder: string): Promise<boolean> {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(processes.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return folders.includes(folder);
}

/** Process ids are used again, so that one alone proves nothing. Empty when there is no such process. */
async function commandLineOf(pid: number): Promise<string> {
  if (process.platform === "linux") return await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const { stdout } = await promisify(execFile)("ps", ["-p", String(pid), "-o", "args="]).catch(() => ({ stdout: "" }));
  return stdout;
}

async function stopProcess(pid: number, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs;
  sendSignal(pid, "SIGINT");
  while ((await commandLineOf(pid)) !== "") {
    if (performance.now() > until) sendSignal(pid, "SIGKILL");
    await sleep(20);
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone, which is what the caller waits for.
  }
}
