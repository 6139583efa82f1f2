import { traceContext } from "@millrace/runtime";
import { z } from "zod";
import { defineJob } from "./contract.ts";

/**
 * Every job of the product, declared once. The API enqueues a contract, the worker owes a handler for
 * each, and both are checked by the compiler.
 */
export const jobs = {
  /**
   * Brings accepted telemetry events into PostgreSQL. `rows` are lines in COPY's text format, in the
   * column order of `@millrace/events`; they are frozen before the job is added, so a rerun of the
   * job carries the same keys. Ingest is never given up: a job waits as long as the database is away.
   */
  importEvents: defineJob({
    name: "events.import",
    queue: "ingest",
    payload: z.object({
      rows: z.string(),
      count: z.int().positive(),
      /** The distinct UTC months of the rows' times, `YYYY-MM`: the partitions that they need. */
      months: z.array(z.string()),
      /** When the oldest of these events was received, in ms since 1970. */
      receivedAt: z.number(),
      /** The ids of the requests that brought them, the first few. */
      requests: z.array(z.string()).optional(),
      /** Where the first few of them that are recorded are in their traces. */
      traces: z.array(traceContext).optional(),
    }),
    retry: { attempts: Number.MAX_SAFE_INTEGER, baseMs: 250, maxMs: 15_000 },
  }),

  /**
   * Applies the writes that wait for an entity, in their order. They are in the list of that name (see `Lists`), and
   * so is what is to be done; a job without any finds that others have done it.
   */
  applyWrites: defineJob({
    name: "writes.apply",
    queue: "writes",
    payload: z.object({ entity: z.string() }),
    retry: { attempts: Number.MAX_SAFE_INTEGER, baseMs: 100, maxMs: 5_000 },
  }),

  /** Notes what the database is like and how the statements do. */
  monitorPerformance: defineJob({
    name: "performance.monitor",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 1, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "* * * * *", payload: {} },
  }),

  /** Looks whether an alert fires or has ended, and tells it. */
  evaluateAlerts: defineJob({
    name: "alerts.evaluate",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 1, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "* * * * *", payload: {} },
  }),

  /** Ends sessions whose time is over; removes blocks, nonces and records of writes that are. */
  cleanUpExpired: defineJob({
    name: "expired.clean_up",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "*/5 * * * *", payload: {} },
  }),

  /** Looks for indexes that are missing, useless or broken. */
  analyseIndexes: defineJob({
    name: "indexes.analyse",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "*/15 * * * *", payload: {} },
  }),

  /**
   * Does, or undoes, what was decided about indexes (`index_actions`), one after the other. Another such job may be at
   * it for hours, which this one waits for.
   */
  changeIndexes: defineJob({
    name: "indexes.change",
    queue: "upkeep",
    payload: z.object({ actions: z.array(z.uuid()), direction: z.enum(["apply", "undo"]) }),
    retry: { attempts: 1_000, baseMs: 1_000, maxMs: 60_000 },
  }),

  /** Removes used nonces, revoked keys, and quarantine and dead letters that are older than they are kept. */
  cleanUpSecurity: defineJob({
    name: "security.clean_up",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "17 * * * *", payload: {} },
  }),

  /** Notes which backups there are, for those who cannot see their folder. */
  lookAtBackups: defineJob({
    name: "backup.look",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 1, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "*/5 * * * *", payload: {} },
  }),

  /** Restores the newest backup for trial, where there is one. */
  drillBackup: defineJob({
    name: "backup.drill",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 1, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "0 3 * * 0", payload: {} },
  }),

  /** Makes coming months' partitions, takes old ones out, and settles those that get no more rows. */
  keepPartitions: defineJob({
    name: "partitions.keep",
    queue: "upkeep",
    payload: z.object({}),
    retry: { attempts: 10, baseMs: 1_000, maxMs: 60_000 },
    schedule: { pattern: "7 * * * *", payload: {} },
  }),
};

export type JobKey = keyof typeof jobs;
export type QueueName = (typeof jobs)[JobKey]["queue"];
export type JobInput<Key extends JobKey> = z.input<(typeof jobs)[Key]["payload"]>;
export type JobPayload<Key extends JobKey> = z.output<(typeof jobs)[Key]["payload"]>;

export const queueNames: readonly QueueName[] = [...new Set(Object.values(jobs).map((job) => job.queue))];

/** The catalogue's key of a wire name, or `undefined` for a job that this version does not know. */
export function jobKeyOf(wireName: string): JobKey | undefined {
  return (Object.keys(jobs) as JobKey[]).find((key) => jobs[key].name === wireName); // keys of a constant object
}

/** The jobs that run by the clock: their names on the wire, with when they run. */
export const scheduledJobNames: readonly { readonly name: string; readonly pattern: string }[] = Object.values(
  jobs,
).flatMap((job) => (job.schedule === undefined ? [] : { name: job.name, pattern: job.schedule.pattern }));
