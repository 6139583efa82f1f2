/** One of several processes that read and write the same few keys: prints its counts when told to stop. */
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPostgres, statement } from "@millrace/db";
import { Redis } from "ioredis";
import { type ContenderName, type Entry, openContender } from "./contenders.ts";

export interface StalenessCounts {
  reads: number;
  writes: number;
  stale_reads: number;
}

const [name = "millrace", redisUrl = "", databaseUrl = "", prefix = "", index = "0", processes = "1"] =
  process.argv.slice(2);
const keys = 6;
const readers = 8;

const readValue = statement<[key: string], Entry>(
  "bench.read_value",
  "SELECT version, text FROM bench_values WHERE key = $1",
);
const writeValue = statement<[key: string], { version: number }>(
  "bench.write_value",
  "UPDATE bench_values SET version = version + 1 WHERE key = $1 RETURNING version",
);

await using db = await connectPostgres({ url: databaseUrl, applicationName: "millrace-bench", maxConnections: 8 });
// Parsed by the parent, which gives one of the names.
await using cache = await openContender(name as ContenderName, { url: redisUrl, prefix });
const ledger = new Redis(redisUrl, { enableAutoPipelining: true });
const counts: StalenessCounts = { reads: 0, writes: 0, stale_reads: 0 };
let isOver = false;

const load = async (key: string): Promise<Entry> => {
  const [row] = await db.rows(readValue, [key]);
  if (row === undefined) throw new Error(`There is no ${key}`);
  return row;
};

async function read(): Promise<void> {
  while (!isOver) {
    const key = `k${Math.floor(Math.random() * keys)}`;
    // What was acknowledged before this read began must be seen by it.
    const floor = Number((await ledger.get(`${prefix}:acked:${key}`)) ?? 0);
    const entry = await cache.get(key, () => load(key));
    counts.reads += 1;
    if ((entry?.version ?? 0) < floor) counts.stale_reads += 1;
  }
}

async function write(key: string): Promise<void> {
  while (!isOver) {
    await sleep(Math.random() * 40);
    const [row] = await db.rows(writeValue, [key]);
    await cache.invalidate(key);
    await ledger.set(`${prefix}:acked:${key}`, String(row?.version ?? 0));
    counts.writes += 1;
  }
}

const work: Promise<void>[] = Array.from({ length: readers }, read);
// Of each key one process is the writer, so that what was acknowledged only grows.
for (let key = 0; key < keys; key += 1) if (key % Number(processes) === Number(index)) work.push(write(`k${key}`));
process.send?.({ type: "ready" });
process.once("disconnect", () => process.exit(0));
await once(process, "message");
isOver = true;
await Promise.all(work);
ledger.disconnect();
process.send?.(counts);
