import process from "node:process";
import { parseArgs } from "node:util";
import { runChaos } from "./run-chaos.ts";

const help = `npm run chaos -- [OPTIONS]

Runs API, two workers, PostgreSQL and Redis under load, keeps killing, stopping and cutting them off from each other,
and then compares what was answered 202 with what is stored. Exit code 1 unless no event and no write is lost or doubled,
the writes of each user are applied in their order, and no read is older than a write that was acknowledged before it.

  --minutes N       how long faults happen (default 1)
  --seed S          which faults happen when; the same seed, the same schedule (default: a new one, which is printed)
  --appendfsync A   always (default) or everysec, with which a killed Redis may lose a second
  --json            the last line is one JSON object
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h" },
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    appendfsync: { type: "string", default: "always" },
    json: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const { appendfsync } = values;

if (values.help) {
  process.stdout.write(help);
} else if (!(minutes > 0) || !Number.isSafeInteger(seed) || (appendfsync !== "always" && appendfsync !== "everysec")) {
  process.stderr.write(help);
  process.exitCode = 2;
} else {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  log(`seed ${seed}`);
  const summary = await runChaos({
    seconds: minutes * 60,
    seed,
    everyMs: 3_000,
    clients: 8,
    writers: 6,
    pauseMs: 40,
    appendfsync,
    log,
    signal: interrupted.signal,
  });
  const lines = Object.entries(summary).map(([name, value]) => `${name.padEnd(16)} ${JSON.stringify(value)}`);
  process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : `${lines.join("\n")}\n`);
  const { lost, duplicated, writes, violations } = summary;
  if (lost + duplicated + writes.lost + writes.doubled + writes.disordered + violations.length > 0)
    process.exitCode = 1;
}
process.exit();
