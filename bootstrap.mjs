#!/usr/bin/env node
// Makes a fresh clone ready and runs its commands. Plain JavaScript without dependencies, for Node >= 20:
// it installs what is missing and hands over to the Node that package.json pins.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const node = join(root, "node_modules", ".bin", "node");
const bin = (name) => join(root, "node_modules", ".bin", name);
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const checks = ["types", "lint", "dead-code", "architecture"].map((name) => `//#check:${name}`);

const commands = {
  millrace: [
    "every command in one: npx millrace --help",
    (args) => [node, [join(root, "apps/cli/src/main.ts"), ...args]],
  ],
  start: ["PostgreSQL, Redis, the API and a worker on this machine", (args) => cli("start", args)],
  test: [
    "all tests against real PostgreSQL and Redis",
    (args) => [
      node,
      [
        vitest,
        "run",
        "--project",
        "tests",
        "--project",
        "architecture",
        "--reporter=default",
        "--reporter=./test/setup/closing-line.ts",
        ...args,
      ],
    ],
  ],
  check: [
    "types, lint, dead code, architecture rules",
    (args) => [bin("turbo"), ["run", ...checks, "--output-logs=errors-only", ...args]],
  ],
  api: ["the HTTP API alone, configured by its environment", (args) => [node, ["apps/api/src/main.ts", ...args]]],
  worker: ["a worker alone, configured by its environment", (args) => [node, ["apps/worker/src/main.ts", ...args]]],
  migrate: ["up, down, status, verify or new", (args) => cli("migrate", args)],
  keys: ["create, list or revoke API keys", (args) => cli("keys", args)],
  alerts: ["list, history, ack, silence or unsilence", (args) => cli("alerts", args)],
  doctor: ["look whether everything is as it should be", (args) => cli("doctor", args)],
  jobs: ["list what runs by the clock, or run it now", (args) => cli("jobs", args)],
  partitions: ["list, plan, apply, detach, drop or restore", (args) => cli("partitions", args)],
  backup: ["create, list, verify, restore or drill", (args) => cli("backup", args)],
  "dead-letters": ["list, redrive, edit or purge what PostgreSQL refused", (args) => cli("dead-letters", args)],
  demo: ["send this machine's telemetry, or log files", (args) => cli("demo", args)],
  bench: ["measure: npm run bench -- NAME", (args) => [node, ["bench/main.ts", ...args]]],
  chaos: [
    "kill everything, and compare what was accepted with what is stored",
    (args) => [node, ["test/chaos/main.ts", ...args]],
  ],
  fuzz: ["send hostile bodies of every kind to a running API", (args) => [node, ["test/fuzz/main.ts", ...args]]],
};

function cli(command, args) {
  return [node, ["apps/cli/src/main.ts", command, ...args]];
}

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === "--help" || name === "-h" || !Object.hasOwn(commands, name)) {
  const list = Object.entries(commands).map(([command, [what]]) => `  ${command.padEnd(12)} ${what}`);
  const usage = `Usage: node bootstrap.mjs COMMAND [OPTIONS]\n\n${list.join("\n")}\n\nnpm run COMMAND -- --help tells more.\n`;
  const isKnown = name === undefined || name.startsWith("-");
  process[isKnown ? "stdout" : "stderr"].write(isKnown ? usage : `There is no command "${name}".\n\n${usage}`);
  process.exit(isKnown ? 0 : 2);
}
if (Number(process.versions.node.split(".")[0]) < 20) {
  process.stderr.write(`Millrace needs Node 20 or newer to begin with; this is ${process.version}.\n`);
  process.exit(1);
}
if ((name === "test" || name === "check") && (args.includes("--help") || args.includes("-h"))) {
  const more = name === "test" ? "a part of a file's name, or any option of vitest" : "any option of turbo run";
  process.stdout.write(`npm run ${name} -- [OPTIONS]\n\n${commands[name][0]}. OPTIONS: ${more}.\n`);
  process.exit(0);
}
install();
run(...commands[name][1](args));

/** Dependencies are installed once for each state of the lockfile. */
function install() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".millrace-installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && existsSync(node)) return;
  process.stderr.write("Installing dependencies …\n");
  // Not `npm ci`: it refuses a lockfile that lacks the optional binaries of platforms which the machine that wrote
  // it could not see. This keeps to the lockfile just as well, and leaves it as it is.
  const options = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = spawnSync("npm", ["install", ...options], { cwd: root, stdio: ["ignore", 2, 2] });
  if (npm.status !== 0) {
    process.stderr.write("The dependencies could not be installed; npm's own words are above.\n");
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

/**
 * Signals go to the command, which ends in its own time; its exit code is ours, as a shell would give it. Over the
 * channel it notices our end, should that come as a surprise.
 */
function run(program, programArgs) {
  const child = spawn(program, programArgs, {
    // What is told by `npx millrace` are files as seen from there; by npm run, from the root.
    cwd: name === "millrace" ? process.cwd() : root,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" },
  });
  // A terminal's Ctrl-C reaches the command by itself; passing it on would count as a second one.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => child.kill("SIGTERM"));
  if (process.env.npm_lifecycle_event) endWithParent(child);
  child.on("error", (error) => {
    process.stderr.write(`Cannot run ${program}: ${error.message}. Delete node_modules and try again.\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

/** An npm that was killed cannot pass that on. */
function endWithParent(child) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, 500).unref();
}
