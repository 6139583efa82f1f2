import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Account, give, serverAccount } from "../account.ts";
import { lockFolder } from "../folder-lock.ts";
import { reachableCopy, reachableFolder } from "../folders.ts";
import { freePort } from "../ports.ts";
import { ServerError } from "../server-error.ts";
import { loadFacts, type ServerFacts, saveFacts } from "../server-facts.ts";
import { openServerLog } from "../server-log.ts";
import { startProcess } from "../supervise.ts";
import { findPostgres, type PostgresBinaries } from "./find-postgres.ts";
import { dataMajorOf, initialise, superuser } from "./initialise.ts";
import { clearLeftover, postmasterReady } from "./postmaster-file.ts";
import { postgresSettings } from "./settings.ts";

export interface PostgresServerOptions {
  /** Made when it is missing. Its password, port and log are kept beside it. */
  readonly dataDir: string;
  /** Default: the port of the last run while it is free, else any free one. */
  readonly port?: number;
  /** False gives up safety against crashes for speed: for tests. */
  readonly durable: boolean;
  /** Where programs are looked for, as in PATH. */
  readonly searchPath: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** Once aborted, the start is given up. */
  readonly signal?: AbortSignal;
  /** Once aborted, stopping no longer waits for connections to end. */
  readonly hurry?: AbortSignal;
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Which server it is and where its data lies, for people. */
  readonly description: string;
}

/**
 * Starts a real PostgreSQL on 127.0.0.1 and keeps it running until disposed. As root it runs under another
 * account, and what that account cannot reach is moved to /var/lib/millrace. A server left over from a run
 * that was killed is stopped first; data that another living process uses is refused.
 */
export async function startPostgres(options: PostgresServerOptions): Promise<RunningServer> {
  const { log } = options;
  await using parts = new AsyncDisposableStack();
  const account = await serverAccount(options.dataDir);
  const dataDir = join(await reachableFolder(dirname(options.dataDir), account), basename(options.dataDir));
  parts.use(await lockFolder(dataDir, account));
  await clearLeftover(dataDir, log);
  const binaries = await placeBinaries(await findPostgres(options.searchPath, await dataMajorOf(dataDir)), account);
  const facts = await prepareData(binaries, dataDir, { ...options, account });
  const port = options.port ?? (await freePort(facts.port));
  await saveFacts(dataDir, { ...facts, port }, account);
  const output = parts.use(await openServerLog(`${dataDir}.log`));
  const environment = serverEnvironment(options.searchPath);
  const settings = { ...postgresSettings({ durable: options.durable, port }), ...options.settings };
  parts.use(
    await startProcess({
      name: "PostgreSQL",
      spawn: () =>
        spawn(join(binaries.root, "bin/postgres"), ["-D", dataDir, ...argumentsOf(settings)], {
          cwd: dataDir,
          env: environment,
          stdio: ["ignore", output.fd, output.fd],
          detached: true,
          ...account,
        }),
      ready: (child, signal) => postmasterReady(dataDir, child.pid, signal),
      startTimeoutMs: 120_000, // replaying the log after a crash takes its time
      stopSignal: "SIGINT", // "fast": open transactions are rolled back
      killSignal: "SIGQUIT", // "immediate": as after a crash, but no process is left behind
      stopTimeoutMs: 60_000,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.hurry ? { hurry: options.hurry } : {}),
      lastOutput: output.tail,
      log,
    }),
  );
  const running = parts.move();
  return {
    url: `postgres://${superuser}:${facts.password}@127.0.0.1:${port}/postgres`,
    port,
    description: `PostgreSQL ${binaries.version} (${binaries.isPackage ? "npm package" : binaries.root}) on port ${port}, data in ${dataDir}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Copies the package's binaries to where `account` can use them, if it cannot in their place. */
async function placeBinaries(binaries: PostgresBinaries, account: Account | undefined): Promise<PostgresBinaries> {
  if (!binaries.isPackage) return binaries;
  const name = `postgresql-${binaries.version}-${process.platform}-${process.arch}`;
  const needs = ["bin/postgres", "lib", "share"];
  return { ...binaries, root: await reachableCopy(binaries.root, { name, needs, account }) };
}

async function prepareData(
  binaries: PostgresBinaries,
  dataDir: string,
  { log, searchPath, account }: PostgresServerOptions & { account: Account | undefined },
): Promise<ServerFacts> {
  const facts = await loadFacts(dataDir);
  if ((await dataMajorOf(dataDir)) === undefined) {
    log(`Making a PostgreSQL ${binaries.version} database in ${dataDir}`);
    await mkdir(dirname(dataDir), { recursive: true });
    // Kept before they are needed, so that no crash leaves data without its password.
    await saveFacts(dataDir, facts, account);
    const environment = serverEnvironment(searchPath);
    await initialise(binaries, dataDir, { password: facts.password, account, environment });
  } else if (facts.isNew) {
    throw new ServerError(
      `${dataDir}.json, which holds the password of the data in ${dataDir}, is missing. ` +
        `Restore it, or remove ${dataDir} to begin with an empty database.`,
    );
  } else {
    await give(account, dataDir);
  }
  return facts;
}

function argumentsOf(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Nothing of the caller's PG… variables and locale may leak into the server. */
function serverEnvironment(searchPath: string): NodeJS.ProcessEnv {
  return { PATH: searchPath, LC_ALL: "C", TZ: "UTC" };
}
