import { observeStatements } from "@millrace/db";
import type { FastifyInstance } from "fastify";
import { Histogram, type Registry } from "prom-client";

/** Figures of requests by route and of statements by name, at `/metrics` in Prometheus' text format. */
export function registerMetrics(app: FastifyInstance, registry: Registry): void {
  const requests = new Histogram({
    name: "millrace_http_request_duration_seconds",
    help: "Time from a request's arrival to its answer",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const series = new Map<string, Histogram.Internal<string>>();
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    seriesOf(request.method, route, reply.statusCode).observe(reply.elapsedTime / 1_000);
    done();
  });

  /** Finding a series by its labels costs more than counting in it. */
  function seriesOf(method: string, route: string, status: number): Histogram.Internal<string> {
    const key = `${status}${method}${route}`;
    let found = series.get(key);
    if (found === undefined) {
      found = requests.labels({ method, route, status });
      series.set(key, found);
    }
    return found;
  }

  observeStatements(registry);

  app.get("/metrics", { config: { scope: "read" }, schema: { hide: true } }, async (_request, reply) => {
    reply.header("content-type", registry.contentType);
    return await registry.metrics();
  });
}
