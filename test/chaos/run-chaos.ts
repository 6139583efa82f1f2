import { setTimeout as sleep } from "node:timers/promises";
import { connectPostgres, type Postgres, statement } from "@millrace/db";
import { type Ledger, runClient } from "./clients.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { type Fault, scheduleOf } from "./schedule.ts";
import { runWriter, type WriteLedger } from "./writers.ts";
import { judgeWrites, settledWrites, type WriteVerdict } from "./written.ts";

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  /** The mean time between two faults. */
  readonly everyMs: number;
  readonly clients: number;
  /** Clients that write to the domain, each to a user of its own. */
  readonly writers: number;
  readonly pauseMs: number;
  readonly appendfsync: "always" | "everysec";
  readonly log: (line: string) => void;
  /** Ends the run early; what was accepted so far is compared. */
  readonly signal?: AbortSignal;
}

export interface ChaosSummary {
  readonly seed: number;
  /** Faults by kind and target, such as `kill redis`. */
  readonly faults: Readonly<Record<string, number>>;
  readonly accepted: number;
  readonly committed: number;
  readonly quarantined: number;
  readonly deadLettered: number;
  /** Stored although no client was told so: the answer was lost, and the run was over. */
  readonly unanswered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly writes: WriteVerdict;
  readonly retries: number;
  readonly crashes: number;
  readonly violations: readonly string[];
  /** The longest that the newest stored event lagged behind while newer ones had been accepted. */
  readonly longestStallMs: number;
}

/** After the faults have ended, nothing may stand still for longer than this. */
const patienceMs = 60_000;

/** Runs the whole fleet under load while the schedule's faults happen, and compares what was accepted with what is stored. */
export async function runChaos(options: ChaosOptions): Promise<ChaosSummary> {
  const { seconds, seed, everyMs, clients, writers, pauseMs, log, signal } = options;
  await using fleet = await startFleet(options);
  const ledger: Ledger = { accepted: new Set(), unanswered: new Set(), violations: [], retries: 0, lastAcceptedAt: 0 };
  const stop = new AbortController();
  const giveUp = new AbortController();
  const sending = Array.from({ length: clients }, (_, index) =>
    runClient({
      url: fleet.apiUrl,
      key: fleet.key,
      ledger,
      seed: seed * 1_000 + index,
      name: `c${index}`,
      pauseMs,
      stop: stop.signal,
      giveUp: giveUp.signal,
    }),
  );
  const written: WriteLedger = { acknowledged: [], violations: ledger.violations, retries: 0 };
  const writing = Array.from({ length: writers }, (_, index) =>
    runWriter({
      url: fleet.apiUrl,
      key: fleet.key,
      ledger: written,
      seed: seed * 1_000 + clients + index,
      address: `0x${(index + 1).toString(16).padStart(40, "0")}`,
      pauseMs,
      stop: stop.signal,
      giveUp: giveUp.signal,
    }),
  );
  await using watch = watchProgress(fleet, ledger);
  const schedule = scheduleOf(seed, { seconds, everyMs });
  const done = await causeFaults(fleet, schedule, { log, signal, seconds });
  stop.abort();
  log("all faults are over; waiting for what is under way …");
  const everybody = Promise.all([...sending, ...writing]);
  await Promise.race([everybody, sleep(patienceMs).then(() => giveUp.abort())]);
  await everybody;
  await watch.settled(patienceMs, written);
  const stored = await watch.stored();
  const marks = new Map<string, number>();
  for (const { mark, count } of stored.rows) marks.set(mark, count);
  return {
    seed,
    faults: countsOf(done),
    accepted: ledger.accepted.size,
    committed: stored.committed,
    quarantined: stored.quarantined,
    deadLettered: stored.deadLettered,
    unanswered: [...ledger.unanswered].filter((mark) => marks.has(mark)).length,
    lost: [...ledger.accepted].filter((mark) => !marks.has(mark)).length,
    duplicated: [...marks.values()].reduce((sum, count) => sum + count - 1, 0),
    writes: await watch.judge(written),
    retries: ledger.retries + written.retries,
    crashes: fleet.crashes(),
    violations: ledger.violations,
    longestStallMs: watch.longestStallMs(),
  };
}

async function causeFaults(
  fleet: Fleet,
  schedule: readonly Fault[],
  { log, signal, seconds }: { log: (line: string) => void; signal: AbortSignal | undefined; seconds: number },
): Promise<Fault[]> {
  const startedAt = performance.now();
  const done: Fault[] = [];
  const ends: Promise<void>[] = [];
  const until = async (atMs: number): Promise<void> => {
    const waitMs = Math.max(0, startedAt + atMs - performance.now());
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  };
  for (const fault of schedule) {
    await until(fault.atMs);
    if (signal?.aborted) break;
    try {
      await fleet.begin(fault);
    } catch (error) {
      // What is down already cannot be found.
      log(`could not ${fault.kind} ${fault.target}: ${error instanceof Error ? error.message : error}`);
      continue;
    }
    done.push(fault);
    log(`${(fault.atMs / 1_000).toFixed(1).padStart(6)} s  ${fault.kind} ${fault.target} for ${fault.forMs} ms`);
    ends.push(until(fault.atMs + fault.forMs).then(() => fleet.end(fault)));
  }
  await until(seconds * 1_000);
  await Promise.all(ends);
  return done;
}

function countsOf(faults: readonly Fault[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, target } of faults) {
    const name = `${kind} ${target}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const countStored = statement<[], { stored: number; newest: Date | null }>(
  "chaos.count_stored",
  `SELECT events.stored + quarantined.stored + dead.stored AS stored, events.newest
     FROM (SELECT count(*)::int AS stored, max(received_at) AS newest FROM telemetry_events) AS events,
          (SELECT count(*)::int AS stored FROM telemetry_events_quarantine) AS quarantined,
          (SELECT count(*)::int AS stored FROM dead_letters) AS dead`,
);
const readStored = statement<[], { mark: string; count: number; place: string }>(
  "chaos.read_stored",
  `SELECT mark, count(*)::int AS count, min(place) AS place
     FROM (SELECT data->>'mark' AS mark, 'table' AS place FROM telemetry_events
           UNION ALL SELECT data->>'mark', 'quarantine' FROM telemetry_events_quarantine
           UNION ALL SELECT substring(payload from '"mark": ?"([^"]+)"'), 'dead letters' FROM dead_letters) AS stored
    GROUP BY mark`,
);

/** Looks a few times a second, on a way of its own, how much is stored. */
function watchProgress(fleet: Fleet, ledger: Ledger) {
  const stop = new AbortController();
  let stored = 0;
  let settled = 0;
  let movedAt = performance.now();
  let longestStallMs = 0;

  async function connected<T>(work: (db: Postgres) => Promise<T>): Promise<T> {
    await using db = await connectPostgres({
      url: fleet.databaseUrl,
      applicationName: "millrace chaos",
      minConnections: 0,
      maxConnections: 1,
      queryTimeoutMs: 30_000,
      statementTimeoutMs: 30_000,
    });
    return await work(db);
  }

  async function look(): Promise<void> {
    const [[row], writes] = await connected(async (db) => [await db.rows(countStored, []), await settledWrites(db)]);
    if (writes > settled) movedAt = performance.now();
    settled = writes;
    if (row === undefined || row.newest === null) return;
    if (row.stored > stored) movedAt = performance.now();
    stored = row.stored;
    const lagMs = Date.now() - row.newest.getTime();
    if (ledger.lastAcceptedAt - row.newest.getTime() > 1_000) longestStallMs = Math.max(longestStallMs, lagMs);
  }

  const watching = (async () => {
    while (!stop.signal.aborted) {
      await look().catch(() => {}); // PostgreSQL is one of those that are killed
      await sleep(200, undefined, { signal: stop.signal }).catch(() => {});
    }
  })();

  return {
    longestStallMs: () => Math.round(longestStallMs),

    /** Resolves when all that was accepted is stored, or when nothing has moved for as long as this. */
    async settled(ms: number, { acknowledged }: WriteLedger): Promise<void> {
      movedAt = performance.now();
      const isBehind = (): boolean => stored < ledger.accepted.size || settled < acknowledged.length;
      while (isBehind() && performance.now() - movedAt < ms) await sleep(50);
    },

    judge: ({ acknowledged }: WriteLedger) => connected((db) => judgeWrites(db, acknowledged)),

    async stored() {
      const rows = await connected((db) => db.rows(readStored, []));
      const countIn = (place: string): number => rows.filter((row) => row.place === place).length;
      return {
        rows,
        committed: countIn("table"),
        quarantined: countIn("quarantine"),
        deadLettered: countIn("dead letters"),
      };
    },

    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
