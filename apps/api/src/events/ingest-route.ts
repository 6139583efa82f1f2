import type { IncomingHttpHeaders } from "node:http";
import { copyRowOf, monthOf } from "@millrace/events";
import { type Sending, sendings } from "@millrace/jobs";
import type { FastifyInstance } from "fastify";
import { HttpProblem } from "../http/problem.ts";
import { countsOf, tellOfEvents } from "../intake-events.ts";
import { type Candidate, candidatesOf, ingestMediaTypes } from "./candidates.ts";
import type { Idempotency } from "./idempotency.ts";
import type { IngestBuffer, IngestRow } from "./ingest-buffer.ts";
import { ingestReplies, requestBody, requestHeaders } from "./ingest-schemas.ts";
import { EventError, parseEvent, type Rejection } from "./parse-event.ts";

export interface IngestLimits {
  /** Of the body, before and after decompression. */
  readonly maxBodyBytes: number;
  readonly maxEvents: number;
  /** Of one event, in the form in which it is queued. */
  readonly maxEventLength: number;
}

export interface IngestNeeds {
  readonly buffer: IngestBuffer;
  readonly idempotency: Idempotency;
  readonly limits: IngestLimits;
}

export async function registerIngest(app: FastifyInstance, needs: IngestNeeds): Promise<void> {
  await app.register(async (routes) => {
    // A binary CloudEvent has a body of any type.
    routes.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    registerRoute(routes, needs);
  });
}

function registerRoute(app: FastifyInstance, { buffer, idempotency, limits }: IngestNeeds): void {
  app.post(
    "/v1/events",
    {
      config: { scope: "ingest" },
      bodyLimit: limits.maxBodyBytes,
      schema: {
        tags: ["events"],
        summary: "Send one event, a JSON array of events, or NDJSON",
        description:
          "Answers 202 once the queue has the events that are good; bad ones are named in `rejected`. " +
          "400 when none is good. The body may be gzip, deflate or zstd encoded. Sending an event again with " +
          "the same `source`, `id` and `time` stores it once; for events without them there is `Idempotency-Key`. " +
          "CloudEvents come in all three modes of their HTTP binding: structured, batched, and binary with a body " +
          "of any type.",
        consumes: [...ingestMediaTypes],
        headers: requestHeaders,
        body: requestBody,
        response: ingestReplies,
      },
      // For the documentation: events are checked one by one, so that a bad one does not refuse the others.
      validatorCompiler: () => (data) => ({ value: data }),
      // The answer is two numbers and rarely a list: writing it ourselves saves a validation a request.
      serializerCompiler: () => (data) => JSON.stringify(data),
    },
    async (request, reply) => {
      const { headers, principal } = request;
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const key = headers["idempotency-key"];
      const attempt =
        key === undefined
          ? undefined
          : await idempotency({
              key: String(key),
              owner: principal?.keyId ?? "",
              content: [JSON.stringify(contentHeadersOf(headers)), body],
            });
      reply.code(202);
      if (attempt?.answer !== undefined) {
        return reply
          .headers({ "content-type": "application/json", "idempotency-replayed": "true" })
          .send(attempt.answer);
      }
      const receivedAt = attempt?.receivedAt ?? Date.now();
      const candidates = await candidatesOf(headers, body, limits.maxBodyBytes);
      const { rows, rejected } = rowsOf(candidates, receivedAt, limits, attempt?.newId);
      const rejectedCounts = countsOf(rejected);
      if (rows.length === 0) {
        tellOfEvents(0, rejectedCounts);
        throw noneAccepted(rejected);
      }
      const sending: Sending = { queue: "ingest", count: rows.length };
      const jobs = await sendings.tracePromise(
        () => buffer.push(rows, { receivedAt, requestId: request.id, trace: sending.trace }),
        sending,
      );
      request.log.debug({ jobs, events: rows.length }, "events are queued");
      tellOfEvents(rows.length, rejectedCounts);
      request.acceptedEvents = rows.length;
      const answer = { accepted: rows.length, rejected };
      await attempt?.finish(JSON.stringify(answer));
      return answer;
    },
  );
}

function rowsOf(
  candidates: readonly Candidate[],
  receivedAt: number,
  { maxEvents, maxEventLength }: IngestLimits,
  newId?: () => string,
): { rows: IngestRow[]; rejected: Rejection[] } {
  if (candidates.length === 0) {
    throw new HttpProblem({ status: 422, code: "no_events", detail: "The body has no events" });
  }
  if (candidates.length > maxEvents) {
    throw new HttpProblem({
      status: 413,
      code: "too_many_events",
      detail: `A request may have ${maxEvents} events, this one has ${candidates.length}; send several requests`,
    });
  }
  const receivedTime = new Date(receivedAt).toISOString();
  const rows: IngestRow[] = [];
  const rejected: Rejection[] = [];
  for (const [index, candidate] of candidates.entries()) {
    try {
      if ("error" in candidate) throw candidate.error;
      const event = parseEvent(candidate.value, receivedTime, newId);
      const row = copyRowOf(event, receivedTime);
      if (row.length > maxEventLength) {
        throw new EventError(
          "event_too_large",
          `The event has ${row.length} characters; ${maxEventLength} are allowed`,
        );
      }
      rows.push({ row, month: monthOf(event.time) });
    } catch (error) {
      if (!(error instanceof EventError)) throw error;
      rejected.push({ index, code: error.code, message: error.message });
    }
  }
  return { rows, rejected };
}

/** The headers that say what the body means. */
function contentHeadersOf(headers: IncomingHttpHeaders): [string, unknown][] {
  return Object.entries(headers).filter(([name]) => name.startsWith("ce-") || name.startsWith("content-"));
}

function noneAccepted(rejected: readonly Rejection[]): HttpProblem {
  return new HttpProblem({
    status: 400,
    code: "no_event_accepted",
    detail:
      rejected.length === 1 && rejected[0] !== undefined
        ? rejected[0].message
        : `None of the ${rejected.length} events can be stored; rejected says why`,
    members: { accepted: 0, rejected },
  });
}
