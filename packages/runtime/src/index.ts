export { alertVariables } from "./alert-config.ts";
export { backoffMs } from "./backoff.ts";
export { backupVariables } from "./backup-config.ts";
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
export { databaseVariables, poolOptionsOf } from "./database-config.ts";
export { endOnFailure, UnreachableError } from "./failure.ts";
export { addTo, bucketOf, type LatencySketch, pairsOf, quantileOf } from "./latency-sketch.ts";
export { createLogger, type Logger } from "./logger.ts";
export { type LoopOptions, startLoop } from "./loop.ts";
export { createMetrics } from "./metrics.ts";
export { metricsText } from "./metrics-text.ts";
export { nearestOf, suggestionFor } from "./nearest.ts";
export { currentOrigin, labelOf, type Origin, onBehalfOf } from "./origin.ts";
export { queueRedisUrl, redisAddressOf, redisRolesOf, redisUrl } from "./redis-url.ts";
export { retentionOf, retentionVariables } from "./retention-config.ts";
export { secretsIn } from "./secrets.ts";
export { announceReady, terminationSignal } from "./termination.ts";
export { traceParentIn } from "./trace-parent.ts";
export { startTracing } from "./tracing/start-tracing.ts";
export { type Span, type TraceContext, type Tracing, traceContext } from "./tracing/tracing.ts";
export { type TracingOptions, tracingOf, tracingVariables } from "./tracing/tracing-config.ts";
export { version } from "./version.ts";
export { within } from "./within.ts";
export { keepObjectsYoung } from "./young-objects.ts";
