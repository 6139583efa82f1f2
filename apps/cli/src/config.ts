import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { RetentionPolicy } from "@millrace/db";
import {
  backupVariables,
  bytes,
  ConfigError,
  databaseVariables,
  integer,
  isLoopback,
  logLevel,
  postgresUrl,
  queueRedisUrl,
  readEnvironment,
  redisUrl,
  retentionOf,
  retentionVariables,
} from "@millrace/runtime";
import { z } from "zod";

type Environment = Readonly<Record<string, string | undefined>>;

const root = fileURLToPath(new URL("../../../", import.meta.url));

const dataDir = z.string().default(".millrace").describe("where everything is kept that npm start keeps");

/** The variables of `npm start`. */
export const startVariables = {
  HOST: z.string().default("127.0.0.1").describe("address of the API"),
  PORT: integer({ min: 1, max: 65_535 }).optional().describe("port of the API; 8080 or the next free one if not set"),
  DATA_DIR: dataDir,
  DATABASE_URL: postgresUrl.optional().describe("a PostgreSQL to use; started here if not set"),
  REDIS_URL: redisUrl.optional().describe("one Redis for all roles; started here if not set"),
  QUEUE_REDIS_URL: queueRedisUrl.optional().describe("the queue's Redis, also a cluster; REDIS_URL if not set"),
  CACHE_REDIS_URL: redisUrl.optional().describe("the cache's Redis; REDIS_URL if not set"),
  LOG_LEVEL: logLevel.default("warn").describe("what API and worker print"),
  PATH: z.string().default("").describe("where redis-server and others are looked for"),
};

/** What `npm start` needs. All other variables go on to the API and the worker as they are. */
export function loadStartConfig(env: Environment) {
  const read = readEnvironment(env, startVariables);
  return {
    root,
    host: read.HOST,
    port: read.PORT,
    dataDir: resolve(root, read.DATA_DIR),
    databaseUrl: read.DATABASE_URL,
    queueRedisUrl: read.QUEUE_REDIS_URL ?? read.REDIS_URL,
    cacheRedisUrl: read.CACHE_REDIS_URL ?? read.REDIS_URL,
    searchPath: read.PATH,
    developmentKey: isLoopback(read.HOST) ? "millrace-dev" : undefined,
    inherited: { ...env, LOG_LEVEL: read.LOG_LEVEL },
  };
}

/** What a running `npm start` leaves in DATA_DIR for the other commands, readable for its user alone. */
export const runningFile = "running.json";
const running = z.object({
  databaseUrl: z.string(),
  queueRedisUrl: z.string().optional(),
  cacheRedisUrl: z.string().optional(),
  apiUrl: z.string(),
});
export type Running = z.output<typeof running>;

async function readRunning(directory: string): Promise<Running | undefined> {
  try {
    return running.parse(JSON.parse(await readFile(resolve(root, directory, runningFile), "utf8")));
  } catch {
    return undefined; // not running, or not by us
  }
}

/** The database of a command: DATABASE_URL, or that of the `npm start` that runs on DATA_DIR. */
export async function loadDatabaseConfig(env: Environment): Promise<{ url: string }> {
  const read = readEnvironment(env, { DATABASE_URL: postgresUrl.optional(), DATA_DIR: dataDir });
  const url = read.DATABASE_URL ?? (await readRunning(read.DATA_DIR))?.databaseUrl;
  if (url === undefined) {
    throw new ConfigError([
      "DATABASE_URL is not set, and no `npm start` runs on DATA_DIR whose PostgreSQL could be used instead",
    ]);
  }
  return { url };
}

/** What the doctor looks at: where things are, and from where that is known. */
export async function loadDoctorConfig(env: Environment) {
  const read = readEnvironment(env, { DATA_DIR: dataDir, PATH: z.string().default("").describe("for the apps") });
  const started = await readRunning(read.DATA_DIR);
  const given = {
    ...(started?.databaseUrl !== undefined && { DATABASE_URL: started.databaseUrl }),
    ...(started?.queueRedisUrl !== undefined && { QUEUE_REDIS_URL: started.queueRedisUrl }),
    ...(started?.cacheRedisUrl !== undefined && { CACHE_REDIS_URL: started.cacheRedisUrl }),
  };
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  const hasRedis = present["REDIS_URL"] !== undefined || present["QUEUE_REDIS_URL"] !== undefined;
  const { DATABASE_URL, ...redis } = given;
  // What the environment says comes first; one Redis for all roles is not to be half overruled.
  const effective: Environment = { ...(DATABASE_URL && { DATABASE_URL }), ...(!hasRedis && redis), ...present };
  return {
    root,
    dataDir: resolve(root, read.DATA_DIR),
    searchPath: read.PATH,
    startedApi: started?.apiUrl,
    effective,
    fromStart: new Set(Object.keys(effective).filter((name) => present[name] === undefined)),
  };
}

/** The single values that the doctor needs; what cannot be read is told of by the app that reads it too. */
export function loadDoctorNeeds(env: Environment) {
  const value = <Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> | undefined => {
    const parsed = schema.safeParse(env[name]);
    return parsed.success ? parsed.data : undefined;
  };
  const text = z.string().min(1);
  const [directUrl, url] = [value("DATABASE_DIRECT_URL", postgresUrl), value("DATABASE_URL", postgresUrl)];
  return {
    databaseUrl: directUrl ?? url,
    pooledUrl: directUrl === url || directUrl === undefined ? undefined : url,
    queueUrl: value("QUEUE_REDIS_URL", queueRedisUrl) ?? value("REDIS_URL", redisUrl),
    cacheUrl: value("CACHE_REDIS_URL", redisUrl) ?? value("REDIS_URL", redisUrl) ?? value("QUEUE_REDIS_URL", redisUrl),
    prefix: value("QUEUE_PREFIX", text),
    poolMax: value("DATABASE_POOL_MAX", databaseVariables.DATABASE_POOL_MAX) ?? 50,
    host: value("HOST", text) ?? "127.0.0.1",
    port: value("PORT", integer({ min: 1, max: 65_535 })),
    opsHost: value("OPS_HOST", text) ?? "127.0.0.1",
    opsPort: value("OPS_PORT", integer({ min: 1, max: 65_535 })),
    rulesFile: value("ALERT_RULES", text),
    backupDir: value("BACKUP_DIR", text),
    exportDir: value("PARTITION_EXPORT_DIR", text),
    bin: value("PG_BIN", text),
    diskBytes: value("DATABASE_DISK_BYTES", bytes({ min: 1 })),
    hasDevelopmentKey: env["DEVELOPMENT_KEY"] !== undefined,
  };
}

/** The database of a command, and what retention its worker follows. */
export async function loadRetentionConfig(env: Environment): Promise<{ url: string; retention: RetentionPolicy }> {
  return { ...(await loadDatabaseConfig(env)), retention: retentionOf(readEnvironment(env, retentionVariables)) };
}

/** Where backups are kept, and the tools that make them. */
export function loadBackupConfig(env: Environment): { directory: string; bin: string | undefined; searchPath: string } {
  const read = readEnvironment(env, {
    ...backupVariables,
    DATA_DIR: dataDir,
    PATH: z.string().default("").describe("where the server's tools are looked for"),
  });
  const directory = resolve(root, read.BACKUP_DIR ?? join(read.DATA_DIR, "backups"));
  return { directory, bin: read.PG_BIN, searchPath: read.PATH };
}

/** The API of a command whose command line does not say. */
export async function loadApiConfig(env: Environment): Promise<{ url: string; key: string }> {
  const read = readEnvironment(env, {
    PORT: integer({ min: 1, max: 65_535 }).optional(),
    DATA_DIR: dataDir,
    MILLRACE_KEY: z.string().default("millrace-dev"),
  });
  const started = read.PORT === undefined ? (await readRunning(read.DATA_DIR))?.apiUrl : undefined;
  return { url: started ?? `http://127.0.0.1:${read.PORT ?? 8080}`, key: read.MILLRACE_KEY };
}
