import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectPostgres, statement } from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { loadBenchConfig } from "../config.ts";
import { type ContenderName, contenders } from "./contenders.ts";
import type { StalenessCounts } from "./staleness-process.ts";

const processes = 3;

const makeTable = statement(
  "bench.make_values",
  `CREATE TABLE bench_values (key text PRIMARY KEY, version int NOT NULL DEFAULT 0, text text NOT NULL)`,
);
const fillTable = statement(
  "bench.fill_values",
  `INSERT INTO bench_values SELECT 'k' || n, 0, repeat('x', 200) FROM generate_series(0, 5) AS n`,
);
const resetTable = statement("bench.reset_values", `UPDATE bench_values SET version = 0`);

/** The same readers and writers of a few hot keys, in several processes, on each cache; counts reads that were too old. */
export async function runStaleness({
  json,
  seconds,
  servers,
}: {
  json: boolean;
  seconds: number;
  servers: Servers;
}): Promise<void> {
  await using db = await connectPostgres({ url: servers.databaseUrl, applicationName: "millrace-bench" });
  await db.run(makeTable, []);
  await db.run(fillTable, []);
  const results: Partial<Record<ContenderName, StalenessCounts>> = {};
  for (const name of contenders) {
    await db.run(resetTable, []);
    process.stderr.write(`${name}: ${processes} processes for ${seconds} s …\n`);
    results[name] = await measure(name, seconds, servers);
  }
  const lines = Object.entries(results).map(([name, counts]) => `${name.padEnd(12)} ${JSON.stringify(counts)}`);
  process.stdout.write(json ? `${JSON.stringify(results)}\n` : `${lines.join("\n")}\n`);
  if (results.millrace?.stale_reads !== 0) process.exitCode = 1;
}

async function measure(name: ContenderName, seconds: number, servers: Servers): Promise<StalenessCounts> {
  const { cacheRedisUrl, databaseUrl } = servers;
  const children = await Promise.all(
    Array.from({ length: processes }, (_, index) =>
      start([name, cacheRedisUrl, databaseUrl, `bench-${name}`, String(index), String(processes)]),
    ),
  );
  await sleep(seconds * 1_000);
  const total: StalenessCounts = { reads: 0, writes: 0, stale_reads: 0 };
  const ended = children.map(async (child) => {
    const counted = once(child, "message");
    child.send("stop");
    const [counts] = (await counted) as [StalenessCounts]; // the only thing that it sends then
    total.reads += counts.reads;
    total.writes += counts.writes;
    total.stale_reads += counts.stale_reads;
    const gone = once(child, "exit");
    child.kill();
    await gone;
  });
  await Promise.all(ended);
  return total;
}

async function start(args: readonly string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("staleness-process.ts", import.meta.url)), [...args], {
    env: loadBenchConfig(process.env).inherited,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "message");
  return child;
}
