import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createAuthenticator } from "@millrace/access";
import { createCache, createRedisStore } from "@millrace/cache";
import { connectPostgres, traceStatements } from "@millrace/db";
import {
  countProcess,
  createFigures,
  joinFleet,
  keepOwnHistory,
  observeFleet,
  reportPerformance,
} from "@millrace/fleet";
import { connectQueues, startWorkers, traceJobs } from "@millrace/jobs";
import {
  announceReady,
  configure,
  createLogger,
  createMetrics,
  endOnFailure,
  keepObjectsYoung,
  startTracing,
  terminationSignal,
  version,
} from "@millrace/runtime";
import { loadAlertRules, recentMinutes, startStatementMonitor } from "@millrace/upkeep";
import { loadConfig, variables } from "./config.ts";
import { keepUnreadableJobs } from "./events/event-tables.ts";
import { createImportEvents } from "./events/import-events.ts";
import { createEventStore } from "./events/store-events.ts";
import { startTail } from "./events/tail/show-committed.ts";
import { createHandlers } from "./handlers.ts";
import { countWorker } from "./ops/count-worker.ts";
import { describeWorkers } from "./ops/describe-workers.ts";
import { observeWorker, observeWorkers } from "./ops/metrics.ts";
import { serveOps } from "./ops/serve-ops.ts";
import { createWorkerHealth } from "./ops/worker-health.ts";
import { createPartitionKeeper } from "./partitions/partition-keeper.ts";
import { createUpkeep } from "./upkeep/create-upkeep.ts";
import { createRecorded } from "./upkeep/recorded.ts";
import { createApplyWrites } from "./writes/apply-writes.ts";

keepObjectsYoung();
const config = configure(
  {
    usage: "npm run worker",
    summary: "Takes jobs from the queue: brings accepted events into PostgreSQL and keeps its partitions.",
    variables,
    load: loadConfig,
  },
  { env: process.env, argv: process.argv.slice(2) },
);
const log = createLogger({ name: "worker", ...config.log });
endOnFailure(log);
const alertRules = await loadAlertRules(config.alerts.rulesFile);
const ended = terminationSignal({ graceMs: config.graceMs, log });
await using app = new AsyncDisposableStack();
const tracing = config.tracing && app.use(await startTracing(config.tracing, log));
if (tracing !== undefined) {
  traceStatements(tracing);
  traceJobs(tracing);
}

const registry = createMetrics({ app: "worker" });
const { restarts } = observeWorker(registry, log);
const processId = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
const figures = createFigures();
app.use(countProcess(figures));
app.use(countWorker(figures));
const ownHistory = app.use(keepOwnHistory(figures));
const db = app.use(
  await connectPostgres({
    ...config.postgres,
    applicationName: "millrace-worker",
    onIdleError: (err) => log.warn({ err }, "an idle database connection was lost"),
  }),
);
const onError = (err: Error): void => log.warn({ err }, "the queue's Redis connection has a fault");
const queues = app.use(await connectQueues({ ...config.queue, onError }));
for (const danger of (await queues.inspect()).dangers) log.warn(danger);

const partitions = createPartitionKeeper({
  db,
  table: "telemetry_events",
  window: config.window,
  premakeMonths: config.premakeMonths,
  onDetached: (month, err) => log.error({ err, month }, "events of this month go to quarantine"),
});
await partitions.premake();
await queues.upsertSchedulers();
const onTailError = (err: Error): void => log.warn({ err }, "the tail's Redis has a fault; ingest goes on without it");
app.use(startTail({ ...config.tail, partitions, onError: onTailError }));
const importEvents = app.use(
  createImportEvents({ storeEvents: createEventStore({ db, partitions }), batch: config.ingest.batch }),
);
const onCacheError = (err: Error): void => log.warn({ err }, "the cache's Redis has a fault; writes wait for it");
const { leaseMs, ...cacheRedis } = config.cache;
const cacheStore = app.use(createRedisStore({ ...cacheRedis, onError: onCacheError }));
// Who starts together with it finds it in a moment; it may also be away.
await Promise.race([cacheStore.connected().catch(() => {}), sleep(1_000, undefined, { ref: false })]);
const cache = app.use(createCache({ store: cacheStore, hasMemory: false, leaseMs, onError: onCacheError }));
const keepUnreadable = keepUnreadableJobs({ db });
const applyWrites = app.use(
  createApplyWrites({
    db,
    queues,
    cache,
    batch: config.writes.batch,
    keepUnreadable: (text, message) => keepUnreadable({ queue: "writes", name: "writes.apply", data: text, message }),
  }),
);
// Upkeep takes minutes where a request may take seconds, and sets how long it waits for locks.
const patience = { url: config.directUrl, queryTimeoutMs: 3_600_000, statementTimeoutMs: 3_600_000 };
const patientDb = app.use(
  await connectPostgres({
    ...config.postgres,
    ...patience,
    minConnections: 0,
    maxConnections: 4,
    applicationName: "millrace-upkeep",
    onIdleError: (err) => log.warn({ err }, "an idle database connection was lost"),
  }),
);
app.use(
  startStatementMonitor({
    db,
    app: "worker",
    figures: figures.read,
    process: processId,
    slowMs: config.slowStatementMs,
    onError: (err) => log.warn({ err }, "figures of statements could not be written"),
  }),
);
const ending = new AbortController();
const workers = app.use(
  await startWorkers({
    ...config.queue,
    handlers: createHandlers({
      importEvents,
      applyWrites: applyWrites.handler,
      recorded: createRecorded({ db, queues, lockMs: config.ingest.lockMs, signal: ending.signal }),
      upkeep: createUpkeep({ db, patientDb, queues, alertRules, cache, partitions, config, log }),
    }),
    concurrency: { ingest: config.ingest.concurrency, writes: config.writes.concurrency, upkeep: 4 },
    lockMs: config.ingest.lockMs,
    keepUnreadable,
    onError,
    onRestart: (queue) => {
      restarts.inc({ queue });
      log.error({ queue }, "work waits and none was taken: consuming with new connections");
    },
    onStuck: (queue) => {
      log.fatal({ queue }, "work waits and none is taken, also with new connections: ending, to be replaced");
      process.exit(1);
    },
  }),
);
observeWorkers(registry, workers);
const fleet = app.use(
  joinFleet({
    presence: queues.presence,
    id: processId,
    app: "worker",
    version,
    figures,
    pool: db.poolCounts,
    workers: () => describeWorkers(workers),
    onError,
  }),
);
if (config.ops !== undefined) {
  const health = app.use(createWorkerHealth({ db, queues, cacheRedis: cacheStore, fleet, workers }));
  observeFleet({ registry, queues, fleet, health, db });
  const fleetMinutes = (spans: readonly number[]) => recentMinutes(db, spans);
  const performance = () => reportPerformance({ fleetMinutes, own: ownHistory });
  const authenticator = createAuthenticator({ db });
  app.use(await serveOps(config.ops, { registry, workers, health, performance, authenticator }));
}

log.info("ready");
announceReady();
log.info({ reason: await ended }, "ending: no new jobs, those under way are finished");
ending.abort();
importEvents.drain();
