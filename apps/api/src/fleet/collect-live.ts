import type { RedisStore } from "@millrace/cache";
import { type Db, statement } from "@millrace/db";
import {
  cacheRatesOf,
  type DependencyState,
  type Fleet,
  latencyOf,
  type Member,
  rateIn,
  rateOf,
} from "@millrace/fleet";
import type { QueueState, Queues } from "@millrace/jobs";
import { within } from "@millrace/runtime";
import type { Live } from "./live-schema.ts";

export interface LiveNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "states" | "memory">;
  readonly cacheRedis: Pick<RedisStore, "inspect">;
  /** How PostgreSQL is. */
  readonly database: () => Promise<DependencyState | undefined>;
  readonly fleet: Pick<Fleet, "members" | "self">;
}

const countDeadLetters = statement<[], { count: number }>(
  "live.count_dead_letters",
  `SELECT count(*)::float8 AS count
     FROM (SELECT 1 FROM dead_letters WHERE redriven_at IS NULL LIMIT 100000) AS waiting`,
);

/** What does not answer so soon is not known. */
const patienceMs = 1_500;

/** Asks everything at once; what does not answer is left out, and holds up nothing for longer than that. */
export async function collectLive(needs: LiveNeeds): Promise<Live> {
  const { db, queues, cacheRedis, fleet } = needs;
  const ask = async <T>(answer: Promise<T>): Promise<T | undefined> =>
    await within(patienceMs, answer).catch(() => undefined);
  const [heard, states, queueMemory, cacheMemory, database, letters] = await Promise.all([
    ask(fleet.members()),
    ask(queues.states()),
    ask(queues.memory()),
    ask(cacheRedis.inspect()),
    needs.database(),
    ask(db.rows(countDeadLetters, [])),
  ]);
  // Of the others nothing is known then, nor of the whole.
  const members = heard ?? [];
  const latency = (name: "accept_to_commit" | "request") => latencyOf(members, name);
  return {
    at: new Date().toISOString(),
    rates: {
      accepted: rateOf(members, "events_accepted"),
      rejected: rateOf(members, "events_rejected."),
      committed: rateOf(members, "rows_committed"),
      dead: rateOf(members, "rows_dead_lettered"),
      writes: rateOf(members, "writes_applied"),
      requests: rateOf(members, "requests"),
      jobs: rateOf(members, "jobs_done.", "jobs_failed."),
    },
    latency: { accept_to_commit: latency("accept_to_commit"), request: latency("request") },
    queues: queuesOf(states ?? [], members),
    processes: processesOf(heard ?? [fleet.self()]),
    pool: { ...poolOf(members), wait_p99_ms: latencyOf(members, "pool_wait").p99_ms },
    cache: cacheRatesOf(members),
    redis: { queue: memoryOf(queueMemory), cache: memoryOf(cacheMemory) },
    database: { answers: database?.latency_ms != null, latency_ms: database?.latency_ms ?? null },
    dead_letters: letters?.[0]?.count ?? null,
  };
}

/** Those that share the work of a queue of the catalogue are taken together. */
export function queuesOf(states: readonly QueueState[], members: readonly Member[]): Live["queues"] {
  return [...Map.groupBy(states, ({ name }) => name)].map(([name, same]) => {
    const sum = (of: (state: QueueState) => number): number => same.reduce((total, state) => total + of(state), 0);
    return {
      name,
      waiting: sum(({ waiting }) => waiting),
      active: sum(({ active }) => active),
      delayed: sum(({ delayed }) => delayed),
      failed: sum(({ failed }) => failed),
      paused: same.some(({ isPaused }) => isPaused),
      oldest_wait_ms: Math.max(...same.map(({ oldestWaitMs }) => oldestWaitMs)),
      consumers: consumersOf(name, members),
    };
  });
}

function consumersOf(name: string, members: readonly Member[]): number {
  return members.filter(({ report }) => report.consumers.some(({ queue, stuck }) => queue === name && !stuck)).length;
}

/** The API first, then in the order in which they were started. */
export function processesOf(members: readonly Member[]): Live["processes"] {
  return members.map(processOf).sort((one, other) => orderOf(one).localeCompare(orderOf(other)));
}

function orderOf({ app, started_at, id }: Live["processes"][number]): string {
  return `${app} ${started_at} ${id}`;
}

function processOf({ report, ageMs }: Member): Live["processes"][number] {
  const { id, app, host, pid, version, started_at, rss_bytes, cpu_share, loop_lag_p99_ms, pool, jobs, last } = report;
  const rate = (...names: readonly string[]): number | null => (last === null ? null : rateIn(last, names));
  return {
    id,
    app,
    host,
    pid,
    version,
    started_at,
    seen_at: new Date(Date.now() - ageMs).toISOString(),
    rss_bytes,
    cpu_share,
    loop_lag_p99_ms,
    pool,
    jobs,
    rates: { requests: rate("requests"), jobs: rate("jobs_done.", "jobs_failed."), rows: rate("rows_committed") },
  };
}

function poolOf(members: readonly Member[]): Omit<Live["pool"], "wait_p99_ms"> {
  const sum = (of: (pool: Member["report"]["pool"]) => number): number =>
    members.reduce((total, { report }) => total + of(report.pool), 0);
  return {
    max: sum(({ max }) => max),
    size: sum(({ size }) => size),
    in_use: sum(({ in_use }) => in_use),
    waiting: sum(({ waiting }) => waiting),
  };
}

function memoryOf(
  memory: { readonly usedBytes: number; readonly maxBytes: number } | undefined,
): Live["redis"]["queue"] {
  return memory === undefined
    ? null
    : { used_bytes: memory.usedBytes, max_bytes: memory.maxBytes === 0 ? null : memory.maxBytes };
}
