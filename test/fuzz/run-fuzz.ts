import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPostgres, statement } from "@millrace/db";
import { connectQueues } from "@millrace/jobs";
import { z } from "zod";
import { type Fleet, startFleet } from "../chaos/fleet.ts";
import { caseOf } from "./cases.ts";
import type { FuzzCase } from "./fuzz-case.ts";
import { numberIn } from "./payloads.ts";
import { openSlowClients, sendGarbage } from "./raw-clients.ts";
import { createSender, faultOf, type Reply } from "./send.ts";

export interface FuzzOptions {
  readonly bodies: number;
  readonly seed: number;
  /** Clients that never finish a request; the run lasts at least until the server has closed them. */
  readonly slowClients: number;
  readonly signal?: AbortSignal;
  readonly log: (line: string) => void;
}

export interface FuzzSummary {
  readonly bodies: number;
  readonly by_kind: Readonly<Record<string, number>>;
  readonly by_status: Readonly<Record<string, number>>;
  readonly sound_events: number;
  readonly stored: number;
  readonly quarantined: number;
  readonly dead_letters: number;
  /** Writes to the domain that were answered with 202. */
  readonly writes: number;
  readonly slowest_ms: number;
  /** Memory of the API after a third of the bodies, and after all. */
  readonly rss_mb: readonly [number, number];
  readonly restarts: number;
  /** What should not have happened, each with the body that did it. Empty is what is wanted. */
  readonly violations: readonly string[];
}

const batchReply = z.object({ rejected: z.array(z.object({ index: z.number() })) });
const clients = 16;
const keptViolations = 20;
/** The heap's own breathing; what leaks at one kilobyte a body shows in a hundred thousand of them. */
const toleratedGrowthMb = 100;

/** Sends hostile bodies to a running API, and then looks at what was stored. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzSummary> {
  const { bodies, seed, slowClients, signal, log } = options;
  await using fleet = await startFleet({ appendfsync: "everysec", log: () => {} });
  const { apiPort: port, key } = fleet;
  using sender = createSender({ port, key });
  using slow = openSlowClients(port, slowClients);
  const kinds = new Map<string, number>();
  const statuses = new Map<string, number>();
  const violations: string[] = [];
  const accepted = new Set<number>();
  const sound = new Set<string>();
  const writes = new Set<string>();
  let next = 0;
  let slowestMs = 0;
  let earlyRss = 0;

  const complain = (text: string): void => {
    if (violations.length < keptViolations) violations.push(text);
  };
  const note = (fuzzCase: FuzzCase, reply: Reply | undefined): void => {
    count(kinds, fuzzCase.kind);
    count(statuses, String(reply?.status ?? "none"));
    const fault = faultOf(fuzzCase, reply);
    if (fault !== undefined) complain(`${fault}: body ${fuzzCase.number} of seed ${seed}, ${describe(fuzzCase)}`);
    slowestMs = Math.max(slowestMs, reply?.ms ?? 0);
    if (reply === undefined || reply.status < 200 || reply.status >= 300) return;
    const write = /^\/v1\/writes\/(.+)$/.exec(reply.location ?? "")?.[1];
    if (reply.status === 202 && write !== undefined) writes.add(write);
    accepted.add(fuzzCase.number);
    if (fuzzCase.ids.length === 0) return;
    const refused = refusedIn(reply);
    for (const [index, id] of fuzzCase.ids.entries()) if (!refused.has(index)) sound.add(id);
  };
  const work = async (): Promise<void> => {
    while (next < bodies && signal?.aborted !== true) {
      const number = next++;
      if (number % 200 === 0) await sendGarbage(port, number / 200);
      if (number === Math.floor(bodies / 3)) earlyRss = await rssMb(fleet);
      if (number % 5_000 === 0 && number > 0) log(`${number} of ${bodies}`);
      const fuzzCase = caseOf(number, seed);
      note(fuzzCase, await sender.send(fuzzCase));
    }
  };
  const pidBefore = fleet.apiPid();
  await Promise.all(Array.from({ length: clients }, work));
  if (slowClients > 0) log("waiting until the slow clients are closed");
  await slow.allClosed;
  const lateRss = await rssMb(fleet);
  if (bodies >= 10_000 && lateRss > earlyRss + toleratedGrowthMb) complain(`memory grew to ${lateRss} MB`);
  if (fleet.apiPid() !== pidBefore || fleet.crashes() > 0) complain("a process ended");

  await drained(fleet);
  const stored = await storedOn(fleet);
  const times = new Map<string, number>();
  for (const { payload } of stored.dead) count(times, payload.split("\t", 2).join("\t"));
  for (const { id, source } of stored.rows) {
    count(times, `${id}\t${source}`);
    const number = numberIn(source);
    if (number !== undefined && !accepted.has(number)) complain(`stored and not accepted: ${source} ${id}`);
  }
  for (const id of sound) {
    if (times.get(id) !== 1) complain(`accepted event ${id} is stored ${times.get(id) ?? 0} times`);
  }
  for (const id of writes) if (!stored.settled.has(id)) complain(`nothing became of the accepted write ${id}`);
  return {
    bodies: next,
    by_kind: sorted(kinds),
    by_status: sorted(statuses),
    sound_events: sound.size,
    stored: stored.rows.length,
    quarantined: stored.quarantined,
    dead_letters: stored.dead.length,
    writes: writes.size,
    slowest_ms: Math.round(slowestMs),
    rss_mb: [earlyRss, lateRss],
    restarts: fleet.crashes(),
    violations,
  };
}

/** The events of a batch that the answer says are not accepted, by their index. */
function refusedIn(reply: Reply): ReadonlySet<number> {
  const parsed = batchReply.safeParse(JSON.parse(reply.body.toString()));
  return new Set(parsed.data?.rejected.map(({ index }) => index));
}

function describe({ kind, method, path, headers, body }: FuzzCase): string {
  const shown = body.length > 600 ? `${body.length} bytes` : body.toString("base64");
  return `${kind}, ${method} ${path.slice(0, 300)} ${JSON.stringify(headers)} ${shown}`;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)));
}

async function rssMb(fleet: Fleet): Promise<number> {
  const status = await readFile(`/proc/${fleet.apiPid()}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024);
}

async function drained(fleet: Fleet): Promise<void> {
  await using queues = await connectQueues({ url: fleet.redisUrl, onError: () => {} });
  while ((await queues.depth("ingest")) + (await queues.depth("writes")) > 0) await sleep(50);
}

const listRows = statement<[], { id: string; source: string }>(
  "fuzz.list_rows",
  "SELECT id, source FROM telemetry_events UNION ALL SELECT id, source FROM telemetry_events_quarantine",
);
const listDead = statement<[], { payload: string }>("fuzz.list_dead", "SELECT payload FROM dead_letters");
const listSettled = statement<[], { id: string }>("fuzz.list_settled", "SELECT id FROM writes WHERE is_settled");
const countQuarantined = statement<[], { rows: string }>(
  "fuzz.count_quarantined",
  "SELECT count(*) AS rows FROM telemetry_events_quarantine",
);

async function storedOn(fleet: Fleet) {
  await using db = await connectPostgres({
    url: fleet.databaseUrl,
    applicationName: "millrace fuzz",
    minConnections: 0,
    queryTimeoutMs: 120_000,
    statementTimeoutMs: 120_000,
  });
  const rows = await db.rows(listRows, []);
  const [quarantined] = await db.rows(countQuarantined, []);
  const settled = new Set((await db.rows(listSettled, [])).map(({ id }) => id));
  return { rows, quarantined: Number(quarantined?.rows), dead: await db.rows(listDead, []), settled };
}
