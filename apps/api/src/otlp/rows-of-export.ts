import { hash } from "node:crypto";
import { copyRowOf, monthOf } from "@millrace/events";
import type { IngestRow } from "../events/ingest-buffer.ts";
import type { IngestLimits } from "../events/ingest-route.ts";
import { isTooDeep } from "../events/json-limits.ts";
import { EventError, parseEvent } from "../events/parse-event.ts";
import { HttpProblem } from "../http/problem.ts";
import { countsOf, type RejectedCounts } from "../intake-events.ts";
import { attributeText, sourceOf, timeOfUnixNano } from "./attributes.ts";
import type { Encoding } from "./encoding.ts";
import { resource, schemaUrl, scope } from "./schema.ts";
import { type Decode, type Draft, once, type Signal } from "./signals.ts";

/** What became of an export's records. */
export interface ExportRows {
  readonly rows: readonly IngestRow[];
  readonly rejectedCount: number;
  readonly rejected: RejectedCounts;
  /** Why records were rejected, each reason once and no more than a few. */
  readonly reasons: readonly string[];
}

/** What the records of one scope share. */
interface Origin {
  readonly source: string;
  /** `"resource":{…},"scope":{…}` */
  readonly json: string;
}

const maxReasons = 5;
/** As deep as data of other events may be nested. */
const maxDataDepth = 64;
/** Each record repeats its resource and scope; all rows together may have this many times the characters of a body. */
const maxUnfolding = 4;

/**
 * The rows of one export request (see docs/otlp.md for what becomes of what). A record that cannot be
 * stored is rejected alone. Throws `HttpProblem` for a body that is malformed as a whole, and 413 for
 * one with too many records or one that would unfold too far.
 */
export function rowsOfExport<Node>(
  signal: Signal,
  encoding: Encoding<Node>,
  request: Node,
  { receivedAt, limits }: { receivedAt: number; limits: IngestLimits },
): ExportRows {
  const receivedTime = new Date(receivedAt).toISOString();
  const rows: IngestRow[] = [];
  const reasons = new Set<string>();
  const copies = new Map<string, number>();
  const rejections: EventError[] = [];
  let rowsLength = 0;

  for (const { draft, origin } of recordsOf(signal, encoding, request, limits)) {
    try {
      const row = rowOf(draft(), origin(), { receivedTime, copies, maxLength: limits.maxEventLength });
      rowsLength += row.row.length;
      rows.push(row);
    } catch (error) {
      if (!(error instanceof EventError)) throw error;
      rejections.push(error);
      if (reasons.size < maxReasons) reasons.add(error.message);
    }
    if (rowsLength > maxUnfolding * limits.maxBodyBytes) {
      throw tooLarge("The records with their resources are too large together; send fewer at a time");
    }
  }
  return { rows, rejectedCount: rejections.length, rejected: countsOf(rejections), reasons: [...reasons] };
}

/** Goes through the request, decoding nothing yet that belongs to one record. */
function* recordsOf<Node>(
  signal: Signal,
  encoding: Encoding<Node>,
  request: Node,
  { maxEvents, maxEventLength }: IngestLimits,
): Generator<{ draft: () => Draft; origin: () => Origin }> {
  const decode: Decode<Node> = (node, message, length = encoding.encodedLength(node)) => {
    if (length > maxEventLength) throw recordTooLarge(length, maxEventLength);
    return encoding.decode(node, message);
  };
  // Resources, scopes and metrics without any record cost time too.
  const passContainer = counter(3 * maxEvents, "resources, scopes and metrics");
  const passRecord = counter(maxEvents, signal.noun);

  for (const resourceNode of encoding.children(request, signal.resources)) {
    passContainer();
    const from = once(() => groupOf(encoding, decode, resourceNode, "resource"));
    for (const scopeNode of encoding.children(resourceNode, signal.scopes)) {
      passContainer();
      const origin = once(() => {
        const { attributes, json } = from();
        const scopeJson = groupOf(encoding, decode, scopeNode, "scope").json;
        return { source: sourceOf(attributes), json: `"resource":${json},"scope":${scopeJson}` };
      });
      for (const node of encoding.children(scopeNode, signal.records)) {
        passContainer();
        for (const draft of signal.draftsOf(encoding, node, decode)) {
          passRecord();
          yield { draft, origin };
        }
      }
    }
  }
}

/** The resource or the scope of a group of records, with the group's schema URL. */
function groupOf<Node>(
  encoding: Encoding<Node>,
  decode: Decode<Node>,
  node: Node,
  name: "resource" | "scope",
): { attributes: Readonly<Record<string, unknown>>; json: string } {
  const child = encoding.child(node, { no: 1, name });
  const found = child === undefined ? {} : decode(child, name === "resource" ? resource : scope);
  const value = { ...found, ...encoding.decode(node, schemaUrl) };
  if (isTooDeep(value, maxDataDepth - 1)) throw dataTooDeep();
  return { attributes: found.attributes ?? {}, json: JSON.stringify(value) };
}

function rowOf(
  { type, subject, unixNano, id, data }: Draft,
  { source, json }: Origin,
  { receivedTime, copies, maxLength }: { receivedTime: string; copies: Map<string, number>; maxLength: number },
): IngestRow {
  if (json.length > maxLength) throw recordTooLarge(json.length, maxLength);
  if (isTooDeep(data, maxDataDepth)) throw dataTooDeep();
  const own = JSON.stringify(data).slice(1, -1);
  const dataJson = own === "" ? `{${json}}` : `{${own},${json}}`;
  const event = parseEvent(
    {
      id: id ?? contentId(dataJson, copies),
      source,
      type,
      subject: attributeText(subject),
      time: unixNano === undefined ? undefined : timeOfUnixNano(unixNano),
    },
    receivedTime,
  );
  const row = copyRowOf({ ...event, dataJson }, receivedTime);
  if (row.length > maxLength) throw recordTooLarge(row.length, maxLength);
  return { row, month: monthOf(event.time) };
}

/**
 * An id for a record that has none: what it says, and for equal records of one request which of them it
 * is. The same request sent again gives the same ids.
 */
function contentId(dataJson: string, copies: Map<string, number>): string {
  const digest = hash("sha256", dataJson).slice(0, 32);
  const copy = (copies.get(digest) ?? 0) + 1;
  copies.set(digest, copy);
  return copy === 1 ? digest : `${digest}-${copy}`;
}

function counter(max: number, noun: string): () => void {
  let count = 0;
  return () => {
    count += 1;
    if (count > max) throw tooLarge(`A request may have ${max} ${noun}; send fewer at a time`);
  };
}

function tooLarge(detail: string): HttpProblem {
  return new HttpProblem({ status: 413, code: "too_many_events", detail });
}

function recordTooLarge(length: number, max: number): EventError {
  return new EventError("event_too_large", `A record with its resource is ${length} long; ${max} are allowed`);
}

function dataTooDeep(): EventError {
  return new EventError("data_too_deep", `A value is nested more than ${maxDataDepth} deep`);
}
