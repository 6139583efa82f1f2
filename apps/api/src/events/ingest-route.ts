import { copyRowOf, monthOf } from "@millrace/events";
import type { FastifyInstance } from "fastify";
import { textOf } from "../http/body.ts";
import { HttpProblem } from "../http/problem.ts";
import type { IngestBuffer, IngestRow } from "./ingest-buffer.ts";
import { ingestReplies, requestBody, requestHeaders } from "./ingest-schemas.ts";
import { EventError, parseEvent, type Rejection } from "./parse-event.ts";
import { NumberOutOfRangeError, parseJson } from "./parse-json.ts";

export interface IngestLimits {
  /** Of the body, before and after decompression. */
  readonly maxBodyBytes: number;
  readonly maxEvents: number;
  /** Of one event, in the form in which it is queued. */
  readonly maxEventLength: number;
}

const mediaTypes = {
  json: ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"],
  ndjson: ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"],
};

export const ingestMediaTypes: readonly string[] = [...mediaTypes.json, ...mediaTypes.ndjson];

export function registerIngest(app: FastifyInstance, needs: { buffer: IngestBuffer; limits: IngestLimits }): void {
  const { buffer, limits } = needs;
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
          "the same `source`, `id` and `time` stores it once.",
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
      const receivedAt = Date.now();
      const text = await textOf(bodyOf(request.body), request.headers["content-encoding"], limits.maxBodyBytes);
      const { rows, rejected } = rowsOf(valuesOf(text, request.headers["content-type"]), receivedAt, limits);
      if (rows.length === 0) throw noneAccepted(rejected);
      await buffer.push(rows, receivedAt);
      request.acceptedEvents = rows.length;
      reply.code(202);
      return { accepted: rows.length, rejected };
    },
  );
}

function bodyOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body) && body.length > 0) return body;
  throw new HttpProblem({ status: 400, code: "empty_body", detail: "The body is empty; send at least one event" });
}

/** A line or element that may be an event, or why it is none. */
type Candidate = { readonly value: unknown } | { readonly error: EventError };

function valuesOf(text: string, contentType = ""): Candidate[] {
  const mediaType = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (mediaTypes.ndjson.includes(mediaType)) {
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map(candidateOfLine);
  }
  const value = parsed(text);
  if (Array.isArray(value)) return value.map((item: unknown) => ({ value: item }));
  if (typeof value === "object" && value !== null) return [{ value }];
  throw new HttpProblem({
    status: 422,
    code: "not_an_event",
    detail: "The body must be one event (a JSON object) or an array of events",
  });
}

function candidateOfLine(line: string): Candidate {
  try {
    return { value: parseJson(line) };
  } catch (error) {
    return {
      error:
        error instanceof NumberOutOfRangeError
          ? new EventError("number_out_of_range", error.message)
          : new EventError("invalid_json", `The line is not JSON: ${messageOf(error)}`),
    };
  }
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    const code = error instanceof NumberOutOfRangeError ? "number_out_of_range" : "invalid_json";
    throw new HttpProblem({ status: 400, code, detail: `The body cannot be read as JSON: ${messageOf(error)}` });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function rowsOf(
  candidates: readonly Candidate[],
  receivedAt: number,
  { maxEvents, maxEventLength }: IngestLimits,
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
      const event = parseEvent(candidate.value, receivedTime);
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
