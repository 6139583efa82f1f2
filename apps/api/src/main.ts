import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createAuthenticator } from "@millrace/access";
import { createCache, createRedisStore } from "@millrace/cache";
import { connectPostgres, connectReplicas, traceStatements } from "@millrace/db";
import { countProcess, createFigures, joinFleet, keepOwnHistory, reportPerformance } from "@millrace/fleet";
import { connectQueues, openMailbox, traceJobs } from "@millrace/jobs";
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
import { createTailFeed } from "@millrace/tail";
import { loadAlertRules, receiversOf, recentMinutes, startStandIn, startStatementMonitor } from "@millrace/upkeep";
import { cacheFigures } from "./caching/cache-figures.ts";
import { loadConfig, variables } from "./config.ts";
import { cacheCounts, countApi } from "./fleet/count-api.ts";
import { createServer } from "./server.ts";
import { createOutcomes } from "./writes/outcomes.ts";

keepObjectsYoung();
const config = configure(
  {
    usage: "npm run api",
    summary: "Serves the HTTP API: takes events into the queue and reads them back from PostgreSQL.",
    variables,
    load: loadConfig,
  },
  { env: process.env, argv: process.argv.slice(2) },
);
const log = createLogger({ name: "api", ...config.log });
endOnFailure(log);
const alertRules = await loadAlertRules(config.alerts.rulesFile);
const ended = terminationSignal({ graceMs: config.graceMs, log });
await using app = new AsyncDisposableStack();
const tracing = config.tracing && app.use(await startTracing(config.tracing, log));
if (tracing !== undefined) {
  traceStatements(tracing);
  traceJobs(tracing);
}

const db = app.use(
  await connectPostgres({
    ...config.postgres,
    applicationName: "millrace-api",
    onIdleError: (err) => log.warn({ err }, "an idle database connection was lost"),
  }),
);
const replicas = app.use(
  connectReplicas({
    primary: db,
    urls: config.replicas.urls,
    pool: { ...config.postgres, applicationName: "millrace-api-reads" },
  }),
);
const queues = app.use(
  await connectQueues({
    ...config.queue,
    onError: (err) => log.warn({ err }, "the queue's Redis connection has a fault"),
  }),
);
const tailFeed = app.use(
  createTailFeed({
    ...config.tail.feed,
    onError: (err) => log.warn({ err }, "the tail's Redis has a fault; the rest goes on without it"),
  }),
);
const onCacheError = (err: Error): void =>
  log.warn({ err }, "the cache's Redis has a fault; reads go to the database without it");
const cacheStore = app.use(createRedisStore({ ...config.cache.redis, onError: onCacheError }));
// Who starts together with it finds it in a moment; it may also be away.
await Promise.race([cacheStore.connected().catch(() => {}), sleep(1_000, undefined, { ref: false })]);
const cache = app.use(createCache({ store: cacheStore, leaseMs: config.cache.leaseMs, onError: onCacheError }));
const outcomes = createOutcomes(db);
app.use(
  openMailbox({
    ...config.queue,
    name: outcomes.mailbox,
    onLetter: outcomes.read,
    onError: (err) => log.warn({ err }, "the queue's Redis connection has a fault"),
  }),
);
const processId = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
const figures = createFigures(() => cacheCounts(cache));
app.use(countProcess(figures));
app.use(countApi(figures));
const ownHistory = app.use(keepOwnHistory(figures));
const fleet = app.use(
  joinFleet({
    presence: queues.presence,
    id: processId,
    app: "api",
    version,
    figures,
    pool: db.poolCounts,
    onError: (err) => log.warn({ err }, "others do not hear of this process: the queue's Redis has a fault"),
  }),
);
app.use(
  startStatementMonitor({
    db,
    app: "api",
    figures: () => ({ ...figures.read(), ...cacheFigures(cache) }),
    process: processId,
    slowMs: config.slowStatementMs,
    onError: (err) => log.warn({ err }, "figures of statements could not be written"),
  }),
);
for (const danger of (await queues.inspect()).dangers) log.warn(danger);
const server = await createServer({
  db,
  queues,
  authenticator: createAuthenticator({
    db,
    ...(config.developmentKey === undefined ? {} : { developmentKey: config.developmentKey }),
  }),
  metrics: createMetrics({ app: "api" }),
  log,
  tracing: tracing && { tracing, isPropagated: config.tracing?.isPropagated ?? false },
  ingest: config.ingest,
  admission: config.admission,
  tail: { feed: tailFeed, limits: config.tail.limits },
  cache,
  cacheRedis: cacheStore,
  outcomes,
  fleet,
  performance: () => reportPerformance({ fleetMinutes: (spans) => recentMinutes(db, spans), own: ownHistory }),
  domain: config.domain,
  database: { ...config.database, replicas, alertRules, publicUrl: config.alerts.publicUrl },
  eventReads: { read: replicas.read, maxLagMs: config.replicas.maxLagMs },
});
app.defer(() => server.close());
app.use(
  startStandIn({
    ...config.alerts,
    db,
    partitionedTable: "telemetry_events",
    diskBytes: config.database.diskBytes,
    readQueues: () => queues.attendance(),
    rules: alertRules,
    receivers: receiversOf(log, config.alerts),
    onRound: () => log.warn("no worker looked at the alerts for two minutes: this process did"),
    onError: (err) => log.warn({ err }, "not all that alerts look at could be looked at, or not everybody told"),
  }),
);
const url = await server.listen(config.http);

log.info({ address: url }, "ready");
announceReady({ url });
log.info({ reason: await ended }, "ending: no new connections, requests under way are answered");
