export { backoffMs } from "./backoff.ts";
export { type AppDescription, configure } from "./command.ts";
export {
  bytes,
  ConfigError,
  describeEnvironment,
  integer,
  isLoopback,
  logLevel,
  postgresUrl,
  readEnvironment,
} from "./config.ts";
export { endOnFailure, UnreachableError } from "./failure.ts";
export { createLogger, type Logger } from "./logger.ts";
export { type LoopOptions, startLoop } from "./loop.ts";
export { createMetrics } from "./metrics.ts";
export { queueRedisUrl, redisAddressOf, redisRolesOf, redisUrl } from "./redis-url.ts";
export { announceReady, terminationSignal } from "./termination.ts";
