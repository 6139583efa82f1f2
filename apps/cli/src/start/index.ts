import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { migrateUp } from "@millrace/db";
import { startServers } from "@millrace/embedded";
import { describeEnvironment } from "@millrace/runtime";
import { loadStartConfig, type Running, runningFile, startVariables } from "../config.ts";
import { interruptedCode } from "../interruption.ts";
import { apiPort } from "./api-port.ts";
import { startApp } from "./app-process.ts";
import { bannerOf } from "./banner.ts";
import { startApi } from "./start-api.ts";
import { listenForStop, type StopSignals } from "./stop-signals.ts";

const help = `npm start

Starts PostgreSQL and Redis (unless given), migrates, and runs the API and a worker until Ctrl-C.
A second Ctrl-C waits no longer for what is under way. What was accepted is kept in either case.

Environment:
${describeEnvironment(startVariables)}
All variables of the API and the worker work too: npm run api -- --help, npm run worker -- --help.

Exit code: 0 when it was stopped, 1 when something is missing or failed, 2 for arguments or variables that are wrong,
130 when it was stopped before it was ready.
`;

/** The command `npm start`; gives its exit code. */
export async function runStart(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help);
    return 0;
  }
  if (args.length > 0) {
    process.stderr.write("npm start takes no arguments but --help; it is configured by its environment.\n");
    return 2;
  }
  const signals = listenForStop();
  try {
    await runUntilStopped(signals);
    log("Stopped.");
    return 0;
  } catch (error) {
    // Whatever failed after that failed because it was given up.
    if (!signals.stop.aborted) throw error;
    log("\nStopped before it was ready.");
    return interruptedCode;
  }
}

/** Runs everything on this machine. Rejects when it cannot, or was stopped, before all of it is ready. */
async function runUntilStopped({ stop, hurry }: StopSignals): Promise<void> {
  const { inherited, root, host, dataDir, developmentKey, port: asked, ...given } = loadStartConfig(process.env);
  await apiPort(asked, host); // said before anything is started
  await mkdir(dataDir, { recursive: true });
  await using parts = new AsyncDisposableStack();
  const servers = parts.use(await startServers({ ...given, dataDir, log, signal: stop, hurry }));
  const { databaseUrl, queueRedisUrl, cacheRedisUrl, descriptions } = servers;
  stop.throwIfAborted();
  await migrateUp({
    url: databaseUrl,
    directory: join(root, "migrations"),
    log: (line) => line.includes(" took ") && log(line),
  });
  stop.throwIfAborted();

  const env = {
    ...inherited,
    DATABASE_URL: databaseUrl,
    QUEUE_REDIS_URL: queueRedisUrl,
    CACHE_REDIS_URL: cacheRedisUrl,
  };
  const app = { root, stop, hurry, log, env };
  parts.use(await startApp({ ...app, name: "The worker", main: "apps/worker/src/main.ts" }));
  const api = parts.use(await startApi({ app, host, asked, developmentKey }));

  const running: Running = { databaseUrl, queueRedisUrl, cacheRedisUrl, apiUrl: api.url };
  const file = join(dataDir, runningFile);
  await writeFile(file, JSON.stringify(running), { mode: 0o600 });
  parts.defer(() => rm(file, { force: true }));
  stop.throwIfAborted();

  log(bannerOf({ apiUrl: api.url, key: developmentKey, dataDir, ...descriptions }));
  await aborted(stop);
  log("\nStopping: requests and jobs under way are finished …");
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
