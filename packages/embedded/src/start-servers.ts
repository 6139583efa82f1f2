import { join } from "node:path";
import { ensureDatabase } from "./postgres/ensure-database.ts";
import { type RunningServer, startPostgres } from "./postgres/start-postgres.ts";
import { startRedis } from "./redis/start-redis.ts";

export interface ServersOptions {
  /** What was given is taken; what is missing is started. */
  readonly databaseUrl: string | undefined;
  readonly queueRedisUrl: string | undefined;
  readonly cacheRedisUrl: string | undefined;
  /** Everything the started servers keep. */
  readonly dataDir: string;
  /** Where programs are looked for, as in PATH. */
  readonly searchPath: string;
  readonly log: (line: string) => void;
  /** Once aborted, the start is given up: it rejects, and nothing that it started is left. */
  readonly signal?: AbortSignal;
  readonly hurry?: AbortSignal;
}

/** The servers that Millrace works with, whoever started them. Disposing stops only what was started here. */
export interface Servers extends AsyncDisposable {
  readonly databaseUrl: string;
  readonly queueRedisUrl: string;
  readonly cacheRedisUrl: string;
  /** Which servers were taken, a line each, for people; no passwords. */
  readonly descriptions: { readonly postgres: string; readonly redis: string };
}

/** Takes the servers that were given and starts the missing ones. Says in the log which were taken. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  await using parts = new AsyncDisposableStack();
  const postgres = options.databaseUrl === undefined ? parts.use(await startOwnPostgres(options)) : undefined;
  options.signal?.throwIfAborted();
  const needsRedis = options.queueRedisUrl === undefined || options.cacheRedisUrl === undefined;
  const redis = needsRedis ? parts.use(await startOwnRedis(options)) : undefined;
  const running = parts.move();
  const servers = {
    databaseUrl: required(options.databaseUrl ?? postgres?.url),
    queueRedisUrl: required(options.queueRedisUrl ?? redis?.url),
    cacheRedisUrl: required(options.cacheRedisUrl ?? redis?.url),
    descriptions: {
      postgres: postgres?.description ?? `given: ${placeOf(options.databaseUrl)}`,
      redis: describeRedis(options, redis),
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
  options.log(`PostgreSQL: ${servers.descriptions.postgres}`);
  options.log(`Redis: ${servers.descriptions.redis}`);
  return servers;
}

async function startOwnPostgres({ dataDir, ...options }: ServersOptions): Promise<RunningServer> {
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await startPostgres({ ...options, dataDir: join(dataDir, "postgres"), durable: true }));
  const url = await ensureDatabase(server.url, "millrace");
  parts.move();
  return { ...server, url };
}

async function startOwnRedis({ dataDir, ...options }: ServersOptions): Promise<RunningServer> {
  const cacheDir = join(dataDir, "cache");
  return await startRedis({ ...options, dataDir: join(dataDir, "redis"), cacheDir, appendOnly: true });
}

function describeRedis({ queueRedisUrl, cacheRedisUrl }: ServersOptions, own: RunningServer | undefined): string {
  const described = (url: string | undefined): string => own?.description ?? `given: ${placeOf(url)}`;
  if (queueRedisUrl === cacheRedisUrl) return described(queueRedisUrl);
  const part = (url: string | undefined): string => (url === undefined ? described(url) : `given: ${placeOf(url)}`);
  return `for the queue ${part(queueRedisUrl)}; for the cache ${part(cacheRedisUrl)}`;
}

/** Host, port and database of a URL: what may be shown of it. */
function placeOf(url: string | undefined): string {
  if (url === undefined) return "";
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function required(url: string | undefined): string {
  if (url === undefined) throw new Error("A server is neither given nor started.");
  return url;
}
