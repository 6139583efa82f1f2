import { observeStatements } from "@millrace/db";
import { metricsText } from "@millrace/runtime";
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { createDurationHistogram, type DurationSeries } from "./duration-histogram.ts";
import { observeIntake } from "./intake-metrics.ts";
import { type RequestEvent, requestEvents } from "./request-events.ts";

/** Counts an answered request of one route. */
export type ObserveRoute = (status: number, durationMs: number) => void;

/** Counts answered requests; `route` as it was declared. */
export interface RequestObserver {
  of(method: string, route: string, options?: { readonly isStream: boolean }): ObserveRoute;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Its answer is a stream, which lasts as long as the client likes. */
    isStream?: boolean;
  }
}

export function createRequestObserver(registry: Registry): RequestObserver {
  const requests = createDurationHistogram({
    name: "millrace_http_request_duration_seconds",
    help: "Time from a request's arrival to its answer",
    bucketsSeconds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registry,
  });
  const routes = new Map<string, ObserveRoute>();

  /** Finding a series by its labels costs more than counting in it. */
  function observerOf(method: string, route: string, isStream: boolean): ObserveRoute {
    const byStatus = new Map<number, DurationSeries>();
    return (status, durationMs) => {
      let series = byStatus.get(status);
      if (series === undefined) {
        series = requests.series({ method, route, status });
        byStatus.set(status, series);
      }
      series.observe(durationMs);
      if (!requestEvents.hasSubscribers) return;
      const event: RequestEvent = { method, route, status, durationMs, isStream };
      requestEvents.publish(event);
    };
  }

  return {
    of(method, route, { isStream } = { isStream: false }) {
      const key = `${method} ${route}`;
      let found = routes.get(key);
      if (found === undefined) {
        found = observerOf(method, route, isStream);
        routes.set(key, found);
      }
      return found;
    },
  };
}

/** Figures of requests by route and of statements by name, at `/metrics` as OpenMetrics or in Prometheus' text format. */
export function registerMetrics(app: FastifyInstance, registry: Registry, observer: RequestObserver): void {
  app.addHook("onResponse", (request, reply, done) => {
    const { url, config } = request.routeOptions;
    // Whatever somebody sends, it makes no more than one series.
    const method = url === undefined ? "any" : request.method;
    const isStream = config.isStream === true;
    observer.of(method, url ?? "unknown", { isStream })(reply.statusCode, reply.elapsedTime);
    done();
  });

  observeStatements(registry);
  observeIntake(registry);

  app.get("/metrics", { config: { scope: "read" }, schema: { hide: true } }, async (request, reply) => {
    const { contentType, text } = await metricsText(registry, request.headers.accept);
    return reply.headers({ "content-type": contentType, vary: "accept" }).send(text);
  });
}
