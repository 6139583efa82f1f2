import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { give, serverAccount } from "../account.ts";
import { freePort } from "../ports.ts";

const debian = "/usr/lib/postgresql";

/** Where the newest PostgreSQL of the system keeps its programs, if there is one that has them all. */
export async function findServerTools(): Promise<string | undefined> {
  const majors = await readdir(debian).catch(() => []);
  for (const major of majors.toSorted((one, other) => Number(other) - Number(one))) {
    const bin = join(debian, major, "bin");
    const programs: readonly string[] = await readdir(bin).catch(() => []);
    const needed = ["initdb", "postgres", "pg_basebackup", "pg_verifybackup", "pg_receivewal"];
    if (Number(major) >= 15 && needed.every((name) => programs.includes(name))) return bin;
  }
  return undefined;
}

/** A PostgreSQL of the system, for what the one of the npm package has no programs for. */
export interface ToolServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Ends it as a power failure does. */
  kill(): Promise<void>;
  /** Ends it as one should. */
  stop(): Promise<void>;
  /** Starts it again after that, on the same port. */
  start(): Promise<void>;
  /** Runs one of its programs, under the server's account. */
  run(program: string, args: readonly string[]): Promise<string>;
}

export interface ToolServerOptions {
  /** From `findServerTools`. */
  readonly bin: string;
  /** From `createServerFolder`; the data is made in it under `name`, unless it is there. */
  readonly folder: string;
  readonly name: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Makes the data instead of `initdb`. */
  readonly make?: (run: ToolServer["run"], dataDir: string) => Promise<unknown>;
}

/** Starts it on loopback, with a superuser `postgres` whom it trusts. Disposing stops it; the folder is its owner's. */
export async function startToolServer(options: ToolServerOptions): Promise<ToolServer> {
  const { bin, folder, name, settings = {}, make } = options;
  const account = await serverAccount("/");
  const dataDir = join(folder, name);
  const port = await freePort();
  const run = async (program: string, args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(join(bin, program), args, {
      cwd: "/",
      env: { LC_ALL: "C" },
      ...account,
    });
    return stdout;
  };
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await give(account, dataDir);
  if (make !== undefined) await make(run, dataDir);
  else if ((await readdir(dataDir)).length === 0) {
    await run("initdb", [
      "--pgdata",
      dataDir,
      "--username=postgres",
      "--auth=trust",
      "--encoding=UTF8",
      "--no-sync",
      "--data-checksums",
    ]);
  }
  const all = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    fsync: "off",
    ...settings,
  };
  const args = Object.entries(all).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  let said = "";
  let child = launch();
  function launch() {
    const started = spawn(join(bin, "postgres"), ["-D", dataDir, ...args], {
      cwd: "/",
      env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
      stdio: ["ignore", "ignore", "pipe"],
      ...account,
    });
    started.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2_000);
    });
    return started;
  }
  const ready = async (): Promise<void> => {
    for (;;) {
      if (child.exitCode !== null) throw new Error(`PostgreSQL in ${dataDir} ended: ${said}`);
      const isReady = await run("pg_isready", ["-h", "127.0.0.1", "-p", String(port)]).then(
        () => true,
        () => false,
      );
      if (isReady) return;
      await sleep(50);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  await ready();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    dataDir,
    run,
    // "Immediate": its children end with it, which they would not at once when it is just gone.
    kill: () => end("SIGQUIT"),
    stop: () => end("SIGINT"),
    async start() {
      child = launch();
      await ready();
    },
    [Symbol.asyncDispose]: () => end("SIGINT"),
  };
}
