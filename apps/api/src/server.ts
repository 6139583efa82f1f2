import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import type { SessionAuthenticator } from "@millrace/access";
import type { Cache } from "@millrace/cache";
import type { Postgres } from "@millrace/db";
import { type Fleet, observeFleet, type PerformanceReport } from "@millrace/fleet";
import type { Queues } from "@millrace/jobs";
import type { Logger, Tracing } from "@millrace/runtime";
import { wholeMinutes } from "@millrace/upkeep";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { Registry } from "prom-client";
import { registerAccess } from "./access/require-scope.ts";
import { type AdmissionOptions, startAdmission } from "./admission/start-admission.ts";
import { isNavigation, registerPageHeaders } from "./browser/page-headers.ts";
import { sendProblemPage } from "./browser/problem-page.ts";
import { registerBrowser } from "./browser/session-routes.ts";
import { type CacheRoutesNeeds, registerCache } from "./caching/cache-routes.ts";
import { createDirectReads } from "./caching/direct-reads.ts";
import { registerConsole } from "./console/console-routes.ts";
import { type DatabaseOptions, partitionedTable, registerDatabase } from "./database/database-routes.ts";
import { observeUpkeep } from "./database/upkeep-metrics.ts";
import { registerDeadLetters } from "./dead-letters/dead-letter-routes.ts";
import { type DomainOptions, registerDomain } from "./domain-routes.ts";
import { ingestMediaTypes } from "./events/candidates.ts";
import { createIdempotency } from "./events/idempotency.ts";
import { createIngestBuffer } from "./events/ingest-buffer.ts";
import { type IngestLimits, registerIngest } from "./events/ingest-route.ts";
import { createFreshReads, type FreshnessNeeds } from "./events/read/freshness.ts";
import { registerReading } from "./events/reading.ts";
import { registerTail, type TailOptions } from "./events/tail/tail-route.ts";
import { registerFleet } from "./fleet/fleet-routes.ts";
import { registerHistory } from "./fleet/history-route.ts";
import { createApiHealth } from "./health/api-health.ts";
import { registerHealth } from "./health/health-routes.ts";
import { registerPerformance } from "./health/performance-route.ts";
import { answerClientError } from "./http/client-error.ts";
import { registerDocs } from "./http/docs.ts";
import { endConnectionsOnClose } from "./http/end-connections.ts";
import { createRequestObserver, registerMetrics } from "./http/metrics.ts";
import { HttpProblem, problemOf, sendProblem } from "./http/problem.ts";
import { lazyChild } from "./http/request-log.ts";
import { createRequestIds, echoSentIds, registerOrigins } from "./http/request-origin.ts";
import { registerTraces } from "./http/request-traces.ts";
import { registerOtlp } from "./otlp/otlp-routes.ts";
import { registerQueues } from "./queues/queue-routes.ts";
import type { Outcomes } from "./writes/outcomes.ts";

export interface ServerNeeds {
  readonly db: Postgres;
  /** Where events are read, which need not be the newest. */
  readonly eventReads: FreshnessNeeds;
  readonly queues: Queues;
  readonly authenticator: SessionAuthenticator;
  readonly metrics: Registry;
  readonly log: Logger;
  readonly tracing?: { readonly tracing: Tracing; readonly isPropagated: boolean } | undefined;
  readonly ingest: {
    readonly lingerMs: number;
    readonly maxJobLength: number;
    readonly maxPendingLength: number;
    readonly limits: IngestLimits;
  };
  readonly admission: AdmissionOptions;
  readonly tail: Pick<TailOptions, "feed" | "limits">;
  readonly cache: Cache;
  readonly cacheRedis: CacheRoutesNeeds["redis"];
  readonly fleet: Fleet;
  readonly performance: () => Promise<PerformanceReport>;
  readonly outcomes: Outcomes;
  readonly domain: DomainOptions;
  readonly database: DatabaseOptions;
}

const requestTimeoutMs = 30_000;

/** The HTTP server, not yet listening. Closing it answers the requests under way first. */
export async function createServer(needs: ServerNeeds): Promise<FastifyInstance> {
  const { db, queues, authenticator, metrics, log, ingest } = needs;
  const logger: FastifyBaseLogger = log;
  const observer = createRequestObserver(metrics);
  const directReads = createDirectReads({ authenticator, observer, requestTimeoutMs });
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    childLoggerFactory: (parent, bindings, options) => lazyChild(log, () => parent.child(bindings, options)),
    // What is to be seen in traces goes by the app.
    serverFactory: (handler) =>
      needs.tracing === undefined ? echoSentIds(directReads.createServer(handler)) : createPlainServer(handler),
    // An id may have 1,024 bytes, three characters each when percent-encoded.
    routerOptions: { maxParamLength: 3 * 1_024 },
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => sendProblem(problemOf(error), request, reply),
    clientErrorHandler: answerClientError,
    genReqId: createRequestIds(),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) {
      request.log[problem.status === 500 ? "error" : "warn"](
        { err: problem.cause ?? error, code: problem.code },
        "request failed",
      );
    }
    return (isNavigation(request) ? sendProblemPage : sendProblem)(problem, request, reply);
  });
  app.setNotFoundHandler({ preHandler: [] }, (request, reply) =>
    sendProblem(
      new HttpProblem({
        status: 404,
        code: "not_found",
        detail: `There is no ${request.method} ${request.url.split("?", 1)[0]}; /docs lists what there is`,
      }),
      request,
      reply,
    ),
  );
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...ingestMediaTypes], { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  endConnectionsOnClose(app);
  registerMetrics(app, metrics, observer);
  const onError = (err: unknown): void => log.warn({ err }, "figures of upkeep could not be read");
  observeUpkeep({ registry: metrics, db, partitionedTable, diskBytes: needs.database.diskBytes, onError });
  if (needs.tracing !== undefined) registerTraces(app, needs.tracing.tracing, needs.tracing);
  registerOrigins(app);
  registerPageHeaders(app);
  registerAccess(app, authenticator);
  const admission = startAdmission(app, { ...needs, ...needs.admission });
  app.addHook("onClose", () => admission[Symbol.asyncDispose]());
  const buffer = createIngestBuffer({
    ...ingest,
    add: (payload) => {
      admission.passed(payload.rows.length);
      return queues.enqueue("importEvents", payload);
    },
  });
  app.addHook("preClose", () => buffer[Symbol.asyncDispose]());
  await registerDocs(app);
  await registerBrowser(app, authenticator);
  await registerQueues(app, { queues });
  const { replicas } = needs.database;
  const health = createApiHealth({ ...needs, replicas, refusal: admission.reason });
  app.addHook("onClose", async () => health[Symbol.dispose]());
  registerHealth(app, { health, authenticator });
  observeFleet({ registry: metrics, queues, fleet: needs.fleet, health, db });
  registerPerformance(app, needs);
  const idempotency = createIdempotency(queues.notes);
  await registerIngest(app, { buffer, idempotency, limits: ingest.limits });
  await registerOtlp(app, { buffer, limits: ingest.limits });
  await app.register(async (scope) => {
    registerReading(scope, { readsOf: createFreshReads(scope, needs.eventReads) });
  });
  registerDeadLetters(app, { db, queues });
  registerTail(app, { ...needs.tail, authenticator });
  registerDatabase(app, { ...needs.database, db, queues });
  registerConsole(app);
  const { cache, outcomes } = needs;
  registerDomain(app, { ...needs.domain, db, queues, cache, outcomes, idempotency, directReads });
  registerFleet(app, { ...needs, database: () => health.stateOf("postgresql") });
  registerHistory(app, { wholeMinutes: (minutes) => wholeMinutes(db, minutes) });
  registerCache(app, { cache, redis: needs.cacheRedis, metrics });
  return app;
}

function createPlainServer(handler: RequestListener): Server {
  return createHttpServer({ requestTimeout: requestTimeoutMs, keepAliveTimeout: 72_000 }, handler);
}
