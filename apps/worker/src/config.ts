import {
  alertVariables,
  backupVariables,
  bytes,
  databaseVariables,
  integer,
  logLevel,
  poolOptionsOf,
  postgresUrl,
  queueRedisUrl,
  readEnvironment,
  redisRolesOf,
  redisUrl,
  retentionOf,
  retentionVariables,
  secretsIn,
  tracingOf,
  tracingVariables,
} from "@millrace/runtime";
import { alertWebhooks } from "@millrace/upkeep";
import { z } from "zod";

const dayMs = 86_400_000;

/** The variables that the worker reads. */
export const variables = {
  ...databaseVariables,
  DATABASE_DIRECT_URL: postgresUrl
    .optional()
    .describe("the same PostgreSQL without a pooler in between, for upkeep; DATABASE_URL if not set"),
  REDIS_URL: redisUrl.optional().describe("one Redis for all roles, in development"),
  QUEUE_REDIS_URL: queueRedisUrl.optional().describe("the queue's Redis, also a cluster; REDIS_URL if not set"),
  CACHE_REDIS_URL: redisUrl.optional().describe("the Redis of the cache and the tail; the queue's if not set"),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w:-]+$/, "write letters, digits, _, : and -")
    .default("millrace")
    .describe("keeps several installations apart on one Redis"),
  INGEST_QUEUES: integer({ min: 1, max: 64 })
    .default(1)
    .describe("queues that share the ingest jobs; in a Redis Cluster as many as it has masters"),
  INGEST_CONCURRENCY: integer({ min: 1, max: 5_000 }).default(64).describe("ingest jobs this process holds at once"),
  INGEST_BATCH_ROWS: integer({ min: 1 }).default(10_000).describe("most rows of one transaction"),
  INGEST_BATCH_BYTES: bytes({ min: 1_024 })
    .default(8 * 1_024 ** 2)
    .describe("most bytes of one transaction"),
  INGEST_BATCH_WAIT_MS: integer({ max: 10_000 })
    .default(10)
    .describe("how long jobs wait for others to share a transaction"),
  INGEST_BATCH_PARALLEL: integer({ min: 1, max: 64 }).default(2).describe("transactions under way at once"),
  INGEST_JOB_LOCK_MS: integer({ min: 1_000 })
    .default(30_000)
    .describe("after this long a dead worker's jobs go to another"),
  WRITE_CONCURRENCY: integer({ min: 1, max: 5_000 }).default(128).describe("write jobs this process holds at once"),
  WRITE_BATCH_JOBS: integer({ min: 1 }).default(500).describe("most write jobs of one transaction"),
  WRITE_BATCH_WAIT_MS: integer({ max: 1_000 }).default(2).describe("how long write jobs wait for others"),
  WRITE_KEEP_DAYS: integer({ min: 1, max: 3_650 })
    .default(7)
    .describe("how long it is remembered what became of writes"),
  CACHE_LEASE_MS: integer({ min: 100, max: 60_000 })
    .default(1_000)
    .describe("how long a write waits for an API process that died; the same in all processes"),
  EVENT_MAX_AGE_DAYS: integer({ max: 365_000 }).default(9_131).describe("older events go to quarantine"),
  EVENT_MAX_AHEAD_DAYS: integer({ max: 3_650 }).default(31).describe("events further in the future go to quarantine"),
  PARTITION_PREMAKE_MONTHS: integer({ min: 1, max: 120 }).default(3).describe("monthly partitions made ahead"),
  ...retentionVariables,
  ...backupVariables,
  ...alertVariables,
  ALERT_WEBHOOKS: alertWebhooks,
  KEY_KEEP_DAYS: integer({ min: 1 }).default(90).describe("how long revoked and expired keys are kept"),
  DEAD_LETTER_KEEP_DAYS: integer({ min: 1 }).default(90).describe("how long dead letters are kept"),
  QUARANTINE_KEEP_DAYS: integer({ min: 1 }).default(90).describe("how long quarantined events are kept"),
  RECORD_KEEP_DAYS: integer({ min: 1 }).default(14).describe("how long figures of the database and job runs are kept"),
  PATH: z.string().default("").describe("where PostgreSQL's programs are looked for"),
  OPS_HOST: z.string().default("127.0.0.1").describe("address of /health and /metrics"),
  OPS_PORT: integer({ max: 65_535 }).optional().describe("port of /health and /metrics; off if not set"),
  SHUTDOWN_GRACE_MS: integer({ min: 100 }).default(25_000).describe("time to finish after SIGTERM"),
  ...tracingVariables,
  LOG_LEVEL: logLevel.default("info").describe("trace, debug, info, warn, error, fatal or silent"),
};

/** Reads the worker's environment. Throws a `ConfigError` that lists all that is wrong. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>) {
  const read = readEnvironment(env, variables);
  const { queueUrl, cacheUrl } = redisRolesOf(read);
  return {
    log: { level: read.LOG_LEVEL, secrets: secretsIn(env, Object.keys(variables)) },
    tracing: tracingOf(read, "millrace-worker"),
    postgres: poolOptionsOf(read),
    directUrl: read.DATABASE_DIRECT_URL ?? read.DATABASE_URL,
    slowStatementMs: read.DATABASE_SLOW_MS,
    queue: { url: queueUrl, prefix: read.QUEUE_PREFIX, ingestQueues: read.INGEST_QUEUES },
    cache: { url: cacheUrl, prefix: read.QUEUE_PREFIX, leaseMs: read.CACHE_LEASE_MS },
    writes: {
      concurrency: read.WRITE_CONCURRENCY,
      keepMs: read.WRITE_KEEP_DAYS * dayMs,
      batch: { maxRows: read.WRITE_BATCH_JOBS, maxWaitMs: read.WRITE_BATCH_WAIT_MS, maxParallel: 2 },
    },
    tail: { url: cacheUrl, prefix: read.QUEUE_PREFIX },
    ingest: {
      concurrency: read.INGEST_CONCURRENCY,
      lockMs: read.INGEST_JOB_LOCK_MS,
      batch: {
        maxRows: read.INGEST_BATCH_ROWS,
        maxLength: read.INGEST_BATCH_BYTES,
        maxWaitMs: read.INGEST_BATCH_WAIT_MS,
        maxParallel: read.INGEST_BATCH_PARALLEL,
      },
    },
    // What retention would take out at once must not come back as a new partition.
    window: {
      maxAgeDays: Math.min(read.EVENT_MAX_AGE_DAYS, read.PARTITION_RETENTION_DAYS ?? Number.POSITIVE_INFINITY),
      maxAheadDays: read.EVENT_MAX_AHEAD_DAYS,
    },
    retention: retentionOf(read),
    alerts: {
      rulesFile: read.ALERT_RULES,
      webhooks: read.ALERT_WEBHOOKS ?? [],
      secret: read.ALERT_WEBHOOK_SECRET,
      publicUrl: read.PUBLIC_URL,
      diskBytes: read.DATABASE_DISK_BYTES,
    },
    backup: { directory: read.BACKUP_DIR, bin: read.PG_BIN, searchPath: read.PATH },
    keep: {
      keysMs: read.KEY_KEEP_DAYS * dayMs,
      deadLettersMs: read.DEAD_LETTER_KEEP_DAYS * dayMs,
      quarantineMs: read.QUARANTINE_KEEP_DAYS * dayMs,
      recordsMs: read.RECORD_KEEP_DAYS * dayMs,
    },
    premakeMonths: read.PARTITION_PREMAKE_MONTHS,
    ops: read.OPS_PORT === undefined ? undefined : { host: read.OPS_HOST, port: read.OPS_PORT },
    graceMs: read.SHUTDOWN_GRACE_MS,
  };
}
