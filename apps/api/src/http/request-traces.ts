import type { IncomingHttpHeaders } from "node:http";
import type { Span, TraceContext, Tracing } from "@millrace/runtime";
import type { FastifyInstance, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyContextConfig {
    /** True for routes that take traces in: a span of each would be sent to such a route, and so on without end. */
    isUntraced?: boolean;
  }
  interface FastifyRequest {
    /** Where tracing is on. */
    span?: Span | null;
  }
}

/** Makes a span of every request (OpenTelemetry's conventions for HTTP), as a part of the sender's trace where it names one. */
export function registerTraces(
  app: FastifyInstance,
  tracing: Tracing,
  { isPropagated }: { readonly isPropagated: boolean },
): void {
  app.decorateRequest("span", null);
  const within = ({ span }: FastifyRequest, work: () => void): void => {
    if (span === null || span === undefined) work();
    else tracing.current.run(span, work);
  };
  app.addHook("onRequest", (request, _reply, done) => {
    const { isUntraced } = request.routeOptions.config;
    if (isUntraced !== true) request.span = startSpan(tracing, request, isPropagated);
    within(request, done);
  });
  // What comes after the body was read is set going by the connection, which knows nothing of the span.
  app.addHook("preValidation", (request, _reply, done) => within(request, done));
  app.addHook("onResponse", (request, reply, done) => {
    const { statusCode } = reply;
    request.span?.set({ "http.response.status_code": statusCode });
    if (statusCode >= 500)
      request.span?.fail(new Error(`The answer was ${statusCode}`), { "error.type": String(statusCode) });
    request.span?.end();
    done();
  });
}

function startSpan(tracing: Tracing, request: FastifyRequest, isPropagated: boolean): Span {
  const { method, headers, routeOptions, id } = request;
  const route = routeOptions.url;
  return tracing.start({
    name: route === undefined ? method : `${method} ${route}`,
    kind: "server",
    parent: (isPropagated ? contextIn(headers) : undefined) ?? "none",
    attributes: {
      "http.request.method": method,
      "http.route": route,
      // Without what is asked for, which may be anything.
      "url.path": request.url.split("?", 1)[0],
      "url.scheme": request.protocol,
      "server.address": request.hostname,
      "client.address": request.ip,
      "network.protocol.version": request.raw.httpVersion,
      "user_agent.original": headers["user-agent"],
      "http.request.header.x-request-id": [id],
    },
  });
}

function contextIn({ traceparent, tracestate }: IncomingHttpHeaders): TraceContext | undefined {
  if (typeof traceparent !== "string") return undefined;
  return { traceparent, ...(typeof tracestate === "string" && { tracestate }) };
}
