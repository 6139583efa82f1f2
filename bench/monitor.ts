import { randomUUID } from "node:crypto";
import process from "node:process";
import { statement } from "@millrace/db";
import type { Servers } from "@millrace/embedded";
import { startStatementMonitor } from "@millrace/upkeep";
import { connectBench } from "./bench-servers.ts";

const readUser = statement<[address: string], unknown>(
  "bench.read_user",
  "SELECT address, display_name, profile FROM users WHERE address = $1",
);
const fillUsers = statement<[], never>(
  "bench.fill_users",
  "INSERT INTO users (address) SELECT '0x' || lpad(to_hex(n), 40, '0') FROM generate_series(1, 10000) AS n",
);
const parallel = 8;

/** Statements a second of one process with its statements counted and their plans looked at, and without; in turns. */
export async function runMonitor({ json, seconds, servers }: { json: boolean; seconds: number; servers: Servers }) {
  await using db = await connectBench(servers.databaseUrl);
  await db.run(fillUsers, []);
  const rounds = 12;
  const roundMs = (seconds * 1_000) / (2 * rounds);
  const addressOf = (n: number): string => `0x${(1 + (n % 10_000)).toString(16).padStart(40, "0")}`;
  const rate = async (): Promise<number> => {
    const startedAt = performance.now();
    let done = 0;
    const run = async (): Promise<void> => {
      while (performance.now() - startedAt < roundMs) {
        await db.rows(readUser, [addressOf(done)]);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: parallel }, run));
    return done / ((performance.now() - startedAt) / 1_000);
  };
  const monitored = async (): Promise<number> => {
    await using _monitor = startStatementMonitor({
      db,
      app: "bench",
      process: randomUUID(),
      onError: (error) => {
        throw error;
      },
    });
    return await rate();
  };
  await rate();
  const ratios: number[] = [];
  const rates = { with: [] as number[], without: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    // Whoever comes second in a round has it warmer.
    const isFirst = round % 2 === 0;
    const first = isFirst ? await monitored() : await rate();
    const second = isFirst ? await rate() : await monitored();
    const [on, off] = isFirst ? [first, second] : [second, first];
    rates.with.push(on);
    rates.without.push(off);
    ratios.push(on / off);
    process.stderr.write(`${Math.round(on)}/s with, ${Math.round(off)}/s without\n`);
  }
  const figures = {
    statements_per_s_with: Math.round(middle(rates.with)),
    statements_per_s_without: Math.round(middle(rates.without)),
    cost_share: Math.round((1 - middle(ratios)) * 1_000) / 1_000,
  };
  process.stdout.write(`${json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2)}\n`);
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const half = Math.floor(sorted.length / 2);
  return ((sorted[half] ?? 0) + (sorted[sorted.length - 1 - half] ?? 0)) / 2;
}
