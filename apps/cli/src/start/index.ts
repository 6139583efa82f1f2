import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { migrateUp } from "@millrace/db";
import { startServers } from "@millrace/embedded";
import { describeEnvironment } from "@millrace/runtime";
import { loadStartConfig, type Running, runningFile, startVariables } from "../config.ts";
import { apiPort } from "./api-port.ts";
import { startApp } from "./app-process.ts";
import { bannerOf } from "./banner.ts";

const help = `npm start

Starts PostgreSQL and Redis (unless given), migrates, and runs the API and a worker until Ctrl-C.

Environment:
${describeEnvironment(startVariables)}
All variables of the API and the worker work too: npm run api -- --help, npm run worker -- --help.
`;

/** Runs everything on this machine until it is interrupted; a second interruption makes it hurry. */
export async function runStart(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean", short: "h" } }, strict: false });
  if (values["help"]) {
    process.stdout.write(help);
    return 0;
  }
  const { inherited, root, host, dataDir, developmentKey, port: askedPort, ...given } = loadStartConfig(process.env);
  const port = await apiPort(askedPort, host);
  const { interrupted, hurry } = interruption();
  const log = (line: string): void => void process.stdout.write(`${line}\n`);

  await mkdir(dataDir, { recursive: true });
  await using parts = new AsyncDisposableStack();
  const servers = parts.use(await startServers({ ...given, dataDir, log, hurry }));
  const { databaseUrl, queueRedisUrl, cacheRedisUrl, descriptions } = servers;
  await migrateUp({
    url: databaseUrl,
    directory: join(root, "migrations"),
    log: (line) => line.includes(" took ") && log(line),
  });

  const env = {
    ...inherited,
    DATABASE_URL: databaseUrl,
    QUEUE_REDIS_URL: queueRedisUrl,
    CACHE_REDIS_URL: cacheRedisUrl,
  };
  const app = { root, hurry, log };
  parts.use(await startApp({ ...app, name: "The worker", main: "apps/worker/src/main.ts", env }));
  const apiEnv = { ...env, HOST: host, PORT: String(port), DEVELOPMENT_KEY: developmentKey };
  parts.use(await startApp({ ...app, name: "The API", main: "apps/api/src/main.ts", env: apiEnv }));

  const apiUrl = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const running: Running = { databaseUrl, apiUrl };
  const file = join(dataDir, runningFile);
  await writeFile(file, JSON.stringify(running), { mode: 0o600 });
  parts.defer(() => rm(file, { force: true }));

  log(bannerOf({ apiUrl, key: developmentKey, dataDir, ...descriptions }));
  await interrupted;
  log("\nStopping: requests and jobs under way are finished …");
  await parts.disposeAsync();
  log("Stopped.");
  return 0;
}

function interruption(): { interrupted: Promise<void>; hurry: AbortSignal } {
  const hurrying = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      count += 1;
      if (count === 1) resolve();
      else hurrying.abort();
    });
  }
  return { interrupted: promise, hurry: hurrying.signal };
}
