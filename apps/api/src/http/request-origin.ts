import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { countedTogether } from "@millrace/db";
import { type Origin, onBehalfOf, traceParentIn } from "@millrace/runtime";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** What is worth writing down everywhere: short, and without what means something to a log or to SQL. */
const wellFormed = /^[\w.:+=/@-]{1,128}$/;

/**
 * The id that the sender gave a request: its `x-request-id`, or else its place in the sender's trace. `undefined` where
 * there is neither; a malformed one counts as none.
 */
export function sentIdIn(headers: IncomingHttpHeaders): string | undefined {
  const sent = headers["x-request-id"];
  if (typeof sent === "string" && wellFormed.test(sent)) return sent;
  const { traceparent } = headers;
  const parent = typeof traceparent === "string" ? traceParentIn(traceparent) : undefined;
  return parent && `${parent.traceId}-${parent.spanId}`;
}

/** Sends ids back that were sent, also with what is answered ahead of the framework. */
export function echoSentIds(server: Server): Server {
  return server.prependListener("request", ({ headers }: IncomingMessage, response: ServerResponse) => {
    if (headers["x-request-id"] === undefined) return;
    const id = sentIdIn(headers);
    if (id !== undefined) response.setHeader("x-request-id", id);
  });
}

/** Gives ids to requests. Those of ours tell the processes apart, so that a worker can, too. */
export function createRequestIds(): (request: IncomingMessage) => string {
  const process = Math.random().toString(36).slice(2, 8);
  let count = 0;
  return ({ headers }) => {
    const sent = sentIdIn(headers);
    if (sent !== undefined) return sent;
    count += 1;
    return `${process}-${count.toString(36)}`;
  };
}

/**
 * Sends each request's id back in `x-request-id`, and has whatever is logged, or asked of PostgreSQL, during the request
 * say it.
 */
export function registerOrigins(app: FastifyInstance): void {
  const within = (request: FastifyRequest, work: () => void): void => {
    const { id, span } = request;
    const origin: Origin = { label: id, fields: { requestId: id, ...(span && { traceId: span.traceId }) } };
    onBehalfOf(origin, () => countedTogether(work));
  };
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    within(request, done);
  });
  // What comes after the body was read is set going by the connection, which knows nothing of the request.
  app.addHook("preValidation", (request, _reply, done) => {
    if (request.body === undefined || request.body === null) done();
    else within(request, done);
  });
}
