import { randomUUID } from "node:crypto";
import process from "node:process";
import { type Postgres, statement } from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { startStatementMonitor } from "@millrace/upkeep";
import { connectBench } from "./bench-servers.ts";
import { medianOf } from "./median.ts";

const readUser = statement<[address: string], unknown>(
  "bench.read_user",
  "SELECT address, display_name, profile FROM users WHERE address = $1",
);
const fillUsers = statement<[], never>(
  "bench.fill_users",
  "INSERT INTO users (address) SELECT '0x' || lpad(to_hex(n), 40, '0') FROM generate_series(1, 10000) AS n",
);
const parallel = 8;
/** Short, so that whatever else the machine does meets both rounds of a pair alike. */
const roundMs = 150;
const warmUpRounds = 8;
/** So often a process writes what it counted. */
const writeEveryMs = 10_000;

interface Round {
  readonly perSecond: number;
  /** Of this process: the server does the same work with and without. */
  readonly cpuUsPerStatement: number;
  /** CPU time of writing what was counted. */
  readonly writeCpuMs: number;
}

/**
 * What it costs a process to have its statements counted: CPU time for each statement and statements a second, in
 * pairs of short rounds with and without. Each round with it ends in a write, which is measured by itself: in a
 * process that runs there is one each ten seconds.
 */
export async function runMonitor({ json, seconds, servers }: { json: boolean; seconds: number; servers: Servers }) {
  await using db = await connectBench(servers.databaseUrl);
  await db.run(fillUsers, []);
  for (let n = 0; n < warmUpRounds; n += 1) await roundOf(db, n % 2 === 0);
  const pairs: { on: Round; off: Round }[] = [];
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    // Whoever comes second has it warmer.
    const isFirst = pairs.length % 2 === 0;
    const first = await roundOf(db, isFirst);
    const second = await roundOf(db, !isFirst);
    pairs.push(isFirst ? { on: first, off: second } : { on: second, off: first });
  }
  const figures = figuresOf(pairs);
  process.stdout.write(`${json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2)}\n`);
}

async function roundOf(db: Postgres, isMonitored: boolean): Promise<Round> {
  const onError = (error: unknown): void => {
    throw error;
  };
  const monitor = isMonitored
    ? startStatementMonitor({ db, app: "bench", process: randomUUID(), everyMs: 3_600_000, onError })
    : undefined;
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  let done = 0;
  const run = async (): Promise<void> => {
    while (performance.now() - startedAt < roundMs) {
      await db.rows(readUser, [`0x${(1 + (done % 10_000)).toString(16).padStart(40, "0")}`]);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, run));
  const cpuUs = cpuSince(cpuBefore);
  const perSecond = done / ((performance.now() - startedAt) / 1_000);
  const writeBefore = process.cpuUsage();
  await monitor?.[Symbol.asyncDispose]();
  return { perSecond, cpuUsPerStatement: cpuUs / done, writeCpuMs: cpuSince(writeBefore) / 1_000 };
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function figuresOf(pairs: readonly { readonly on: Round; readonly off: Round }[]) {
  const cpu = medianOf(pairs.map(({ on, off }) => on.cpuUsPerStatement / off.cpuUsPerStatement - 1));
  const throughput = medianOf(pairs.map(({ on, off }) => 1 - on.perSecond / off.perSecond));
  const middle = (of: (pair: (typeof pairs)[number]) => number): number => medianOf(pairs.map(of)).median;
  const writeCpuMs = middle(({ on }) => on.writeCpuMs);
  const writeShare = writeCpuMs / writeEveryMs;
  const share = (value: number): number => Math.round(value * 10_000) / 10_000;
  const interval = ({ from, to }: typeof cpu, added = 0) => [share(from + added), share(to + added)];
  return {
    pairs: pairs.length,
    cpu_us_per_statement_with: Math.round(middle(({ on }) => on.cpuUsPerStatement) * 100) / 100,
    cpu_us_per_statement_without: Math.round(middle(({ off }) => off.cpuUsPerStatement) * 100) / 100,
    cpu_ms_per_write: Math.round(writeCpuMs * 100) / 100,
    cpu_cost_share: share(cpu.median + writeShare),
    cpu_cost_interval_95: interval(cpu, writeShare),
    statements_per_s_with: Math.round(middle(({ on }) => on.perSecond)),
    statements_per_s_without: Math.round(middle(({ off }) => off.perSecond)),
    cost_share: share(throughput.median),
    cost_interval_95: interval(throughput),
  };
}
