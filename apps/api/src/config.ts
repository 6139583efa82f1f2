import {
  alertVariables,
  bytes,
  ConfigError,
  databaseVariables,
  integer,
  isLoopback,
  logLevel,
  poolOptionsOf,
  postgresUrl,
  queueRedisUrl,
  readEnvironment,
  redisRolesOf,
  redisUrl,
  secretsIn,
  tracingOf,
  tracingVariables,
} from "@millrace/runtime";
import { alertWebhooks } from "@millrace/upkeep";
import { z } from "zod";

function ttlSeconds(ofDefault: number, what: string) {
  return integer({ min: 1, max: 86_400 })
    .default(ofDefault)
    .describe(`after this long cached ${what} are looked up again, should a change not have been told`);
}

/** The variables that the API reads. */
export const variables = {
  HOST: z.string().default("127.0.0.1").describe("address to listen on"),
  PORT: integer({ max: 65_535 }).default(8080).describe("port to listen on"),
  ...databaseVariables,
  ...alertVariables,
  ALERT_WEBHOOKS: alertWebhooks,
  DATABASE_REPLICA_URLS: z
    .string()
    .transform((text) => text.split(",").filter((url) => url !== ""))
    .pipe(z.array(postgresUrl))
    .optional()
    .describe("standbys that events are read from, separated by commas"),
  DATABASE_REPLICA_MAX_LAG_MS: integer().default(1_000).describe("a standby that is further behind is not read from"),
  REDIS_URL: redisUrl.optional().describe("one Redis for all roles, in development"),
  QUEUE_REDIS_URL: queueRedisUrl.optional().describe("the queue's Redis, also a cluster; REDIS_URL if not set"),
  CACHE_REDIS_URL: redisUrl.optional().describe("the Redis of the cache and the tail; the queue's if not set"),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w:-]+$/, "write letters, digits, _, : and -")
    .default("millrace")
    .describe("keeps several installations apart on one Redis"),
  DEVELOPMENT_KEY: z.string().min(8).optional().describe("a key with all scopes; only while HOST is loopback"),
  INGEST_QUEUES: integer({ min: 1, max: 64 })
    .default(1)
    .describe("queues that share the ingest jobs; in a Redis Cluster as many as it has masters"),
  INGEST_LINGER_MS: integer({ max: 1_000 }).default(5).describe("how long small requests wait for each other"),
  INGEST_MAX_JOB_BYTES: bytes({ min: 1_024, max: 16 * 1_024 ** 2 })
    .default(256 * 1_024)
    .describe("rows of one job"),
  INGEST_MAX_PENDING_BYTES: bytes({ min: 1_024 })
    .default(64 * 1_024 ** 2)
    .describe("rows on their way to Redis before requests are refused with 503"),
  INGEST_MAX_BODY_BYTES: bytes({ min: 1_024, max: 256 * 1_024 ** 2 })
    .default(10 * 1_024 ** 2)
    .describe("a request's body, before and after decompression"),
  INGEST_MAX_EVENTS: integer({ min: 1 }).default(10_000).describe("events of one request"),
  INGEST_MAX_EVENT_BYTES: bytes({ min: 256 })
    .default(128 * 1_024)
    .describe("one event"),
  INGEST_MAX_QUEUE_BYTES: bytes({ min: 1_024 ** 2 })
    .default(512 * 1_024 ** 2)
    .describe("memory of the queue's Redis from which on events are refused with 503"),
  INGEST_MAX_QUEUE_WAIT_MS: integer({ min: 100 })
    .default(5_000)
    .describe("how long events may wait for a worker before more are refused with 503"),
  INGEST_MAX_RSS_BYTES: bytes({ min: 64 * 1_024 ** 2 })
    .default(1_024 ** 3)
    .describe("memory of this process from which on events are refused with 503"),
  INGEST_KEY_EVENTS_PER_SECOND: integer({})
    .default(0)
    .describe("events that a key may send, over ten seconds, before 429; 0 for any number"),
  INGEST_KEY_EVENTS_PER_DAY: integer({})
    .default(0)
    .describe("events that a key may send in a day (UTC) before 429; 0 for any number"),
  WRITE_MAX_WAIT_MS: integer({ min: 100, max: 25_000 })
    .default(20_000)
    .describe("how long a request may wait for its write, whatever it prefers"),
  CACHE_USERS_TTL_SECONDS: ttlSeconds(600, "users"),
  CACHE_SESSIONS_TTL_SECONDS: ttlSeconds(3_600, "sessions"),
  CACHE_REPORTS_TTL_SECONDS: ttlSeconds(300, "reports"),
  CACHE_BALANCES_TTL_SECONDS: ttlSeconds(30, "balances"),
  CACHE_BLOCKS_TTL_SECONDS: ttlSeconds(600, "blocks"),
  CACHE_TTL_TUNING: z
    .enum(["on", "off"])
    .default("off")
    .describe("whether these times follow from use, between a quarter and four times of what they are set to"),
  CACHE_MEMORY_BYTES: bytes()
    .default(64 * 1_024 ** 2)
    .describe("what a process keeps of the cache in its own memory; 0: nothing, only Redis does"),
  CACHE_TIMEOUT_MS: integer({ min: 1, max: 10_000 })
    .default(50)
    .describe("how long a read waits for the cache's Redis before it asks the database"),
  CACHE_LEASE_MS: integer({ min: 100, max: 60_000 })
    .default(1_000)
    .describe("how long a write waits for an API process that died; the same in all processes"),
  SIGN_IN_DOMAINS: z
    .string()
    .default("localhost")
    .transform((text) => text.split(",").map((domain) => domain.trim()))
    .pipe(z.array(z.string().regex(/^[\w.:[\]-]+$/, "write domains such as example.org,app.example.org:8443")))
    .describe("domains that a sign-in message may be for, separated by commas"),
  SIGN_IN_NONCE_SECONDS: integer({ min: 10, max: 86_400 }).default(300).describe("how long a nonce can be used"),
  SIGN_IN_NONCES_PER_MINUTE: integer({ min: 1 }).default(30).describe("nonces that an address may ask for"),
  TAIL_MAX_CLIENTS: integer({ max: 10_000 }).default(50).describe("clients that may follow the tail at once"),
  TAIL_MAX_EVENTS_PER_SECOND: integer({ min: 1 }).default(500).describe("events that one of them is sent in a second"),
  SHUTDOWN_GRACE_MS: integer({ min: 100 }).default(15_000).describe("time to finish after SIGTERM"),
  ...tracingVariables,
  LOG_LEVEL: logLevel.default("info").describe("trace, debug, info, warn, error, fatal or silent"),
};

/** Reads the API's environment. Throws a `ConfigError` that lists all that is wrong. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>) {
  const read = readEnvironment(env, variables);
  const { queueUrl, cacheUrl } = redisRolesOf(read);
  const problems = [
    ...(read.DEVELOPMENT_KEY !== undefined && !isLoopback(read.HOST)
      ? ["DEVELOPMENT_KEY works only while HOST is a loopback address; create real keys with: npm run keys -- create"]
      : []),
    ...(read.INGEST_MAX_EVENT_BYTES > read.INGEST_MAX_JOB_BYTES
      ? ["INGEST_MAX_EVENT_BYTES must not be larger than INGEST_MAX_JOB_BYTES"]
      : []),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    log: { level: read.LOG_LEVEL, secrets: secretsIn(env, Object.keys(variables)) },
    tracing: tracingOf(read, "millrace-api"),
    http: { host: read.HOST, port: read.PORT },
    postgres: poolOptionsOf(read),
    alerts: {
      rulesFile: read.ALERT_RULES,
      webhooks: read.ALERT_WEBHOOKS ?? [],
      secret: read.ALERT_WEBHOOK_SECRET,
      publicUrl: read.PUBLIC_URL,
    },
    slowStatementMs: read.DATABASE_SLOW_MS,
    replicas: { urls: read.DATABASE_REPLICA_URLS ?? [], maxLagMs: read.DATABASE_REPLICA_MAX_LAG_MS },
    database: { diskBytes: read.DATABASE_DISK_BYTES, maxConnections: read.DATABASE_POOL_MAX },
    queue: { url: queueUrl, prefix: read.QUEUE_PREFIX, ingestQueues: read.INGEST_QUEUES },
    tail: {
      feed: { url: cacheUrl, prefix: read.QUEUE_PREFIX },
      limits: { maxClients: read.TAIL_MAX_CLIENTS, maxEventsPerSecond: read.TAIL_MAX_EVENTS_PER_SECOND },
    },
    developmentKey: read.DEVELOPMENT_KEY,
    admission: {
      pressure: {
        maxQueueBytes: read.INGEST_MAX_QUEUE_BYTES,
        maxQueueWaitMs: read.INGEST_MAX_QUEUE_WAIT_MS,
        maxRssBytes: read.INGEST_MAX_RSS_BYTES,
      },
      rates: {
        eventsPerSecond: read.INGEST_KEY_EVENTS_PER_SECOND,
        eventsPerDay: read.INGEST_KEY_EVENTS_PER_DAY,
      },
      counts: { url: cacheUrl, prefix: read.QUEUE_PREFIX },
    },
    cache: {
      redis: { url: cacheUrl, prefix: read.QUEUE_PREFIX, timeoutMs: read.CACHE_TIMEOUT_MS },
      leaseMs: read.CACHE_LEASE_MS,
    },
    domain: {
      caches: {
        ttls: {
          users: read.CACHE_USERS_TTL_SECONDS * 1_000,
          sessions: read.CACHE_SESSIONS_TTL_SECONDS * 1_000,
          reports: read.CACHE_REPORTS_TTL_SECONDS * 1_000,
          balances: read.CACHE_BALANCES_TTL_SECONDS * 1_000,
          blocks: read.CACHE_BLOCKS_TTL_SECONDS * 1_000,
        },
        memoryBytes: read.CACHE_MEMORY_BYTES,
        areTtlsTuned: read.CACHE_TTL_TUNING === "on",
      },
      signIn: {
        domains: read.SIGN_IN_DOMAINS,
        nonceTtlMs: read.SIGN_IN_NONCE_SECONDS * 1_000,
        noncesPerMinute: read.SIGN_IN_NONCES_PER_MINUTE,
      },
      maxWaitMs: read.WRITE_MAX_WAIT_MS,
    },
    ingest: {
      lingerMs: read.INGEST_LINGER_MS,
      maxJobLength: read.INGEST_MAX_JOB_BYTES,
      maxPendingLength: read.INGEST_MAX_PENDING_BYTES,
      limits: {
        maxBodyBytes: read.INGEST_MAX_BODY_BYTES,
        maxEvents: read.INGEST_MAX_EVENTS,
        maxEventLength: read.INGEST_MAX_EVENT_BYTES,
      },
    },
    graceMs: read.SHUTDOWN_GRACE_MS,
  };
}
