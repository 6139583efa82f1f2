import type { IncomingHttpHeaders } from "node:http";
import { bytesOf, textOf } from "../http/body.ts";
import { HttpProblem } from "../http/problem.ts";
import { eventOfHeaders, isBinaryMode } from "./cloudevents-binary.ts";
import { EventError } from "./parse-event.ts";
import { NumberOutOfRangeError, parseJson } from "./parse-json.ts";

const mediaTypes = {
  json: ["application/json"],
  event: ["application/cloudevents+json"],
  batch: ["application/cloudevents-batch+json"],
  ndjson: ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"],
};

export const ingestMediaTypes: readonly string[] = Object.values(mediaTypes).flat();

/** A line or element that may be an event, or why it is none. */
export type Candidate = { readonly value: unknown } | { readonly error: EventError };

/**
 * What a request brings: events as JSON or NDJSON, or a CloudEvent or a batch of them in any of the
 * modes of the HTTP protocol binding 1.0.2. Throws an `HttpProblem` when that cannot be told apart.
 */
export async function candidatesOf(headers: IncomingHttpHeaders, body: Buffer, maxBytes: number): Promise<Candidate[]> {
  const encoding = headers["content-encoding"];
  const mediaType = mediaTypeOf(headers["content-type"]);
  if (isBinaryMode(headers, mediaType)) {
    const bytes = await bytesOf(body, encoding, maxBytes);
    try {
      return [{ value: eventOfHeaders(headers, bytes) }];
    } catch (error) {
      return [{ error: eventErrorOf(error, "The body") }];
    }
  }
  if (!ingestMediaTypes.includes(mediaType)) {
    throw new HttpProblem({
      status: 415,
      code: "unsupported_media_type",
      detail: `Content-Type must be one of ${ingestMediaTypes.join(", ")}; any other needs the headers of a binary CloudEvent`,
    });
  }
  if (body.length === 0) {
    throw new HttpProblem({ status: 400, code: "empty_body", detail: "The body is empty; send at least one event" });
  }
  return valuesOf(await textOf(body, encoding, maxBytes), mediaType);
}

function mediaTypeOf(contentType = ""): string {
  return (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

function valuesOf(text: string, mediaType: string): Candidate[] {
  if (mediaTypes.ndjson.includes(mediaType)) {
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map(candidateOfLine);
  }
  const value = parsed(text);
  if (Array.isArray(value) && !mediaTypes.event.includes(mediaType))
    return value.map((item: unknown) => ({ value: item }));
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject && !mediaTypes.batch.includes(mediaType)) return [{ value }];
  throw new HttpProblem({ status: 422, code: "not_an_event", detail: wantedAs(mediaType) });
}

function wantedAs(mediaType: string): string {
  if (mediaTypes.event.includes(mediaType)) return `As ${mediaType} the body must be one event, a JSON object`;
  if (mediaTypes.batch.includes(mediaType)) return `As ${mediaType} the body must be an array of events`;
  return "The body must be one event (a JSON object) or an array of events";
}

function candidateOfLine(line: string): Candidate {
  try {
    return { value: parseJson(line) };
  } catch (error) {
    return { error: eventErrorOf(error, "The line") };
  }
}

function eventErrorOf(error: unknown, what: string): EventError {
  if (error instanceof EventError) return error;
  return error instanceof NumberOutOfRangeError
    ? new EventError("number_out_of_range", error.message)
    : new EventError("invalid_json", `${what} is not JSON: ${messageOf(error)}`);
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
