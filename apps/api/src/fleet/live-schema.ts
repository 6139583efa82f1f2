import { z } from "zod";

const count = z.number().min(0);
const rate = z.number().min(0).nullable().describe("Per second, in the last two seconds; null while it is not known");
const perSecond = z.number().min(0).describe("Per second, in the last ten seconds");
const share = z.number().min(0).max(1).nullable();

const latency = z
  .object({ p50_ms: z.number().nullable(), p99_ms: z.number().nullable(), samples: count })
  .describe("Of the last ten seconds, in the whole fleet; null when there were none");
const pool = z.object({ max: count, size: count, in_use: count, waiting: count });
const memory = z
  .object({ used_bytes: count, max_bytes: count.nullable().describe("null: without a limit") })
  .nullable()
  .describe("null while it does not answer");

export const queue = z.object({
  name: z.string(),
  waiting: count,
  active: count,
  delayed: count.describe("Tried again later, or run by the clock"),
  failed: count,
  paused: z.boolean(),
  oldest_wait_ms: count.describe("Of the job that waits longest; 0 when none waits"),
  consumers: count.describe("Processes that take its jobs and are not stuck"),
});

export const member = z.object({
  id: z.string(),
  app: z.string().meta({ example: "worker" }),
  host: z.string(),
  pid: z.int(),
  version: z.string(),
  started_at: z.string(),
  seen_at: z.string().describe("When it was last heard of"),
  rss_bytes: count,
  cpu_share: count.describe("Of one core"),
  loop_lag_p99_ms: count,
  pool,
  jobs: z
    .array(z.object({ name: z.string(), running: count, oldest_ms: count }))
    .describe("What it runs now, and for how long the oldest of each kind"),
  rates: z.object({ requests: rate, jobs: rate, rows: rate }),
});

/** What the whole fleet does at a moment. */
export const live = z.object({
  at: z.string(),
  rates: z.object({
    accepted: rate.describe("Events that the queue has taken"),
    rejected: rate,
    committed: rate.describe("Rows of events that are in PostgreSQL"),
    dead: rate.describe("Rows that PostgreSQL has refused"),
    writes: rate.describe("Writes that were applied"),
    requests: rate,
    jobs: rate,
  }),
  latency: z.object({ accept_to_commit: latency, request: latency }),
  queues: z.array(queue),
  processes: z.array(member),
  pool: pool.extend({ wait_p99_ms: z.number().nullable() }),
  cache: z.array(
    z.object({
      namespace: z.string(),
      reads: perSecond,
      hit_share: share.describe("Of the reads, those that asked no database"),
      memory_share: share,
      misses: perSecond,
    }),
  ),
  redis: z.object({ queue: memory, cache: memory }),
  database: z.object({ answers: z.boolean(), latency_ms: z.number().nullable() }),
  dead_letters: count.nullable().describe("Those that wait to be looked at; 100000 for that many or more"),
});

export type Live = z.output<typeof live>;
