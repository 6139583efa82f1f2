// Does what the README says, with the README's own lines, against the servers of its own `npm start`. Run by .ci/run,
// which has run `npm run check` and `npm test` before.
import { chmod, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPostgres, statement } from "@millrace/db";
import { freePort } from "@millrace/embedded/testing";
import { z } from "zod";
import { shellCommands, tableCommands } from "./readme.ts";
import { asked, type Running, runCommand, startCommand, stop, until, type Variables } from "./shell.ts";

/** Proved by the tests of test/compose, and run by .ci/run before this. */
const elsewhere = /^(docker|cp) |^npm (test|run check)$/;

/** What only the reader of the README can know, and sizes that do not take minutes. */
const additions: readonly (readonly [command: string, added: (facts: Facts) => string])[] = [
  ["npm run keys -- revoke", ({ keyPrefix }) => keyPrefix],
  ["npm run migrate -- down", () => "--accept-data-loss"],
  ["npm run migrate -- new", ({ folder }) => `tried --directory ${folder}`],
  ["npm run bench -- ingest", () => "--events 20000"],
  ["npm run bench -- export", () => "--rows 100000"],
  ["npm run bench -- overload", () => "--seconds 5"],
  ["npm run bench -- staleness", () => "--seconds 3"],
  ["npm run bench -- cache", () => "--requests 5000"],
  ["npm run bench -- workload", () => "--seconds 5"],
  ["npm run bench -- partitions", () => "--rows 120000"],
  ["npm run bench -- monitor", () => "--seconds 5"],
  ["npm run chaos -- --minutes 2", () => "--minutes 0.2"],
  ["npm run fuzz -- --bodies 100000", () => "--bodies 2000"],
];

interface Facts {
  readonly folder: string;
  /** The variables that npm start was given. */
  readonly variables: Variables;
  readonly apiUrl: string;
  /** Of an empty database on the server that npm start began. */
  readonly scratchUrl: string;
  readonly redisUrl: string;
  /** Of the key that was made last. */
  keyPrefix: string;
}

const commands = [...shellCommands(), ...tableCommands()];
const curls = commands.filter((command) => command.startsWith("curl "));
const [saveUser = "", readUser = ""] = curls.filter((command) => command.includes("/v1/users/"));
const [send = "", read = "", ...otherCurls] = curls.filter((command) => ![saveUser, readUser].includes(command));

try {
  await using folder = await mkdtempDisposable(join(tmpdir(), "millrace-readme-"));
  await chmod(folder.path, 0o755); // PostgreSQL runs as another user when this one is root
  const variables = { DATA_DIR: join(folder.path, "data") };
  await using started = startCommand("npm start", variables);
  await Promise.race([asked, tryAll(started, folder.path, variables)]);
  await stop(started);
  if (!/^Stopped\.$/m.test(started.output)) throw new Error(`npm start did not stop cleanly:\n${started.output}`);
  say("Ctrl-C stops all of npm start");
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
process.exit();

async function tryAll(started: Running, folder: string, variables: Variables & { DATA_DIR: string }): Promise<void> {
  await until(started, "npm start is ready", () => started.output.includes("Ctrl-C stops everything"));
  say("npm start");
  const facts = await factsOf(folder, variables);
  await tryCurls(facts.apiUrl);
  for (const command of commands) {
    if (elsewhere.test(command) || /^curl |^npm start$|^npm run worker$/.test(command)) continue;
    await (command === "npm run api" ? tryPlainProcesses(facts) : tryCommand(command, facts));
  }
  const names = new Set(tableCommands().map((command) => command.split(" -- ", 1)[0] ?? ""));
  for (const name of names) await runCommand(`${name} -- --help`, {});
  say(`--help of ${[...names].join(", ")}`);
}

async function tryCommand(command: string, facts: Facts): Promise<void> {
  const added = additions.find(([known]) => known === command)?.[1](facts);
  const whole = added === undefined ? command.replace("app.log", await writeLog(facts.folder)) : `${command} ${added}`;
  const scratch = command.startsWith("npm run migrate ") ? { DATABASE_URL: facts.scratchUrl } : {};
  const output = await runCommand(whole, { ...facts.variables, ...scratch });
  facts.keyPrefix = /^mlr_[\w-]{8}/m.exec(output)?.[0] ?? facts.keyPrefix;
  say(whole);
}

async function writeLog(folder: string): Promise<string> {
  const path = join(folder, "app.log");
  await writeFile(path, `${new Date().toISOString()} INFO worker[7]: ready\n`);
  return path;
}

/** The README's first event is accepted and read back, and whatever watches sees it. */
async function tryCurls(apiUrl: string): Promise<void> {
  const at = (command: string): string => command.replaceAll("http://127.0.0.1:8080", apiUrl);
  await using watchers = new AsyncDisposableStack();
  const watching = otherCurls.map((command) => watchers.use(startCommand(at(command), {})));
  const reading = async (): Promise<boolean> => {
    if (!(await runCommand(at(send), {})).includes('"accepted":1')) throw new Error(`Not accepted: ${send}`);
    return (await runCommand(at(read), {})).includes('"type":"hello"');
  };
  for (const watcher of watching) {
    await until(watcher, "the event that was sent", async () => (await reading()) && watcher.output.includes("hello"));
  }
  while (!(await reading())) await sleep(100);
  if (!/^HTTP\/1\.1 200 /m.test(await runCommand(at(saveUser), {}))) throw new Error(`Not done in time: ${saveUser}`);
  if (!(await runCommand(at(readUser), {})).includes('"display_name":"Ann"')) throw new Error(`Not saved: ${readUser}`);
  say(`the curl lines, at ${apiUrl}`);
}

/** The API and the worker as one process each, with a queue of their own on the servers of npm start. */
async function tryPlainProcesses({ variables, redisUrl, scratchUrl }: Facts): Promise<void> {
  await runCommand("npm run migrate -- up", { ...variables, DATABASE_URL: scratchUrl });
  const servers = { ...variables, DATABASE_URL: scratchUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: "readme" };
  const [port, opsPort] = [await freePort(), await freePort()];
  await using api = startCommand("npm run api", { ...servers, PORT: `${port}`, DEVELOPMENT_KEY: "millrace-dev" });
  await using worker = startCommand("npm run worker", { ...servers, OPS_PORT: `${opsPort}` });
  await until(api, "npm run api is healthy", () => isHealthy(port));
  await until(worker, "npm run worker is healthy", () => isHealthy(opsPort));
  await tryCurls(`http://127.0.0.1:${port}`);
  for (const running of [api, worker]) {
    await stop(running);
    if (/"level":[56]0/.test(running.output)) throw new Error(`It did not end cleanly at Ctrl-C:\n${running.output}`);
  }
  say("npm run api, npm run worker");
}

async function isHealthy(port: number): Promise<boolean> {
  const reply = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
  await reply?.body?.cancel();
  return reply?.ok === true;
}

async function factsOf(folder: string, variables: Variables & { DATA_DIR: string }): Promise<Facts> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(variables.DATA_DIR, name), "utf8"));
  const { databaseUrl, apiUrl } = z.object({ databaseUrl: z.url(), apiUrl: z.url() }).parse(await read("running.json"));
  const redis = z.object({ port: z.int(), password: z.string() }).parse(await read("redis.json"));
  await using db = await connectPostgres({ url: databaseUrl, applicationName: "millrace readme", minConnections: 0 });
  await db.run(statement<[], never>("readme.create_scratch", "CREATE DATABASE readme TEMPLATE template0"), []);
  const scratchUrl = new URL("/readme", databaseUrl).href;
  const redisUrl = `redis://:${redis.password}@127.0.0.1:${redis.port}`;
  return { folder, variables, apiUrl, scratchUrl, redisUrl, keyPrefix: "" };
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}
