export { give, serverAccount } from "./account.ts";
export { freePort, isPortFree } from "./ports.ts";
export { type PostgresServerOptions, type RunningServer, startPostgres } from "./postgres/start-postgres.ts";
export { type RedisServerOptions, startRedis } from "./redis/start-redis.ts";
export { ServerError } from "./server-error.ts";
export { type Servers, type ServersOptions, startServers } from "./start-servers.ts";
export { type ProcessPlan, startProcess } from "./supervise.ts";
