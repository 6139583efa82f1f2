import {
  bytes,
  ConfigError,
  integer,
  isLoopback,
  logLevel,
  postgresUrl,
  queueRedisUrl,
  readEnvironment,
  redisAddressOf,
  redisUrl,
} from "@millrace/runtime";
import { z } from "zod";

/** The variables that the API reads. */
export const variables = {
  HOST: z.string().default("127.0.0.1").describe("address to listen on"),
  PORT: integer({ max: 65_535 }).default(8080).describe("port to listen on"),
  DATABASE_URL: postgresUrl.describe("PostgreSQL"),
  DATABASE_POOL_MAX: integer({ min: 1, max: 1_000 }).default(50).describe("most connections to PostgreSQL"),
  DATABASE_POOL_MIN: integer({ max: 1_000 }).default(5).describe("connections kept open while idle"),
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
  TAIL_MAX_CLIENTS: integer({ max: 10_000 }).default(50).describe("clients that may follow the tail at once"),
  TAIL_MAX_EVENTS_PER_SECOND: integer({ min: 1 }).default(500).describe("events that one of them is sent in a second"),
  SHUTDOWN_GRACE_MS: integer({ min: 100 }).default(15_000).describe("time to finish after SIGTERM"),
  LOG_LEVEL: logLevel.default("info").describe("trace, debug, info, warn, error, fatal or silent"),
};

const cacheRedisMissing =
  "CACHE_REDIS_URL is not set: the queue's cluster cannot play that role, give a Redis of one server";

/** Reads the API's environment. Throws a `ConfigError` that lists all that is wrong. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>) {
  const read = readEnvironment(env, variables);
  const queueRedisUrl = read.QUEUE_REDIS_URL ?? read.REDIS_URL;
  const cacheRedisUrl = read.CACHE_REDIS_URL ?? read.REDIS_URL ?? queueRedisUrl;
  const problems = [
    ...(cacheRedisUrl !== undefined && redisAddressOf(cacheRedisUrl) !== undefined ? [cacheRedisMissing] : []),
    ...(queueRedisUrl === undefined
      ? ["QUEUE_REDIS_URL is not set: give the queue's Redis, or REDIS_URL for one server"]
      : []),
    ...(read.DEVELOPMENT_KEY !== undefined && !isLoopback(read.HOST)
      ? ["DEVELOPMENT_KEY works only while HOST is a loopback address; create real keys with: npm run keys -- create"]
      : []),
    ...(read.INGEST_MAX_EVENT_BYTES > read.INGEST_MAX_JOB_BYTES
      ? ["INGEST_MAX_EVENT_BYTES must not be larger than INGEST_MAX_JOB_BYTES"]
      : []),
  ];
  if (queueRedisUrl === undefined || cacheRedisUrl === undefined || problems.length > 0)
    throw new ConfigError(problems);
  return {
    log: { level: read.LOG_LEVEL },
    http: { host: read.HOST, port: read.PORT },
    postgres: {
      url: read.DATABASE_URL,
      maxConnections: read.DATABASE_POOL_MAX,
      minConnections: Math.min(read.DATABASE_POOL_MIN, read.DATABASE_POOL_MAX),
    },
    queue: { url: queueRedisUrl, prefix: read.QUEUE_PREFIX, ingestQueues: read.INGEST_QUEUES },
    tail: {
      feed: { url: cacheRedisUrl, prefix: read.QUEUE_PREFIX },
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
      counts: { url: cacheRedisUrl, prefix: read.QUEUE_PREFIX },
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
