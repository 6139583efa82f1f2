import process from "node:process";
import { parseArgs } from "node:util";
import { runFuzz } from "./run-fuzz.ts";

const help = `npm run fuzz -- [OPTIONS]

Sends hostile bodies to a running API: mutated real payloads of every protocol, calls of the domain with changed paths,
queries, headers and bodies, noise, wrong encodings, bombs, garbage on the connection, and clients that never finish.
Exit code 1 unless there is no 5xx but the deliberate 503, no crash, no growth of memory, no row that was not accepted,
every sound event once, and an outcome of every accepted write.

  --bodies N   how many (default 100000)
  --seed S     the same seed, the same bodies (default: a new one, which is printed)
  --json       the last line is one JSON object
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h" },
    bodies: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    json: { type: "boolean", default: false },
  },
});
const bodies = Number(values.bodies);
const seed = Number(values.seed);

if (values.help) {
  process.stdout.write(help);
} else if (!(bodies > 0) || !Number.isSafeInteger(bodies) || !Number.isSafeInteger(seed)) {
  process.stderr.write(help);
  process.exitCode = 2;
} else {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  log(`seed ${seed}`);
  const summary = await runFuzz({ bodies, seed, slowClients: 20, signal: interrupted.signal, log });
  const lines = Object.entries(summary).map(([name, value]) => `${name.padEnd(16)} ${JSON.stringify(value)}`);
  process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : `${lines.join("\n")}\n`);
  if (summary.violations.length > 0) process.exitCode = 1;
}
process.exit();
