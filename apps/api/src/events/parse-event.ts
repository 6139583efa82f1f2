import type { TelemetryEvent } from "@millrace/events";
import { canonicalTimeOf, timeOfUuidV7 } from "./event-time.ts";
import { isTooDeep, unstorableCharacterIn } from "./json-limits.ts";
import { randomUUIDv7 } from "./uuid-v7.ts";

/** Why an event was not accepted. `index` counts from 0 in the order of the request. */
export interface Rejection {
  readonly index: number;
  readonly code: RejectionCode;
  readonly message: string;
}

export const rejectionCodes = [
  "invalid_json",
  "invalid_event",
  "invalid_attribute",
  "missing_attribute",
  "unsupported_specversion",
  "invalid_time",
  "event_too_large",
  "data_too_deep",
  "number_out_of_range",
  "unstorable_character",
] as const;
export type RejectionCode = (typeof rejectionCodes)[number];

/** The event cannot be stored; the message says which attribute is wrong and how. */
export class EventError extends Error {
  readonly code: RejectionCode;

  constructor(code: RejectionCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Bytes of UTF-8 an attribute may have, so that every index row stays below PostgreSQL's 2,704 bytes. */
const maxBytes = { id: 1_024, source: 1_024, type: 512, subject: 1_024 } as const;
const maxDepth = 64;

/**
 * Checks one parsed event and gives it the form in which it is stored. What the sender left open is
 * frozen here, before the event enters the queue: `id` becomes a UUIDv7, and `time` that of a UUIDv7
 * id or else `receivedAt`. Throws `EventError`.
 */
export function parseEvent(value: unknown, receivedAt: string, newId: () => string = randomUUIDv7): TelemetryEvent {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new EventError("invalid_event", "An event is a JSON object with at least source and type");
  }
  const input = value as Readonly<Record<string, unknown>>; // an object that is no array has string keys
  const id = input["id"] === undefined ? newId() : attribute(input["id"], "id");
  const source = attribute(input["source"], "source");
  const type = attribute(input["type"], "type");
  const subject = input["subject"] == null ? undefined : attribute(input["subject"], "subject");
  const time = timeOf(input["time"], id, receivedAt);
  const data = input["data"];
  const dataJson = data === undefined ? undefined : jsonOf(data, "data");
  const extensionsJson = extensionsOf(input);
  return {
    id,
    source,
    type,
    time,
    ...(subject === undefined ? {} : { subject }),
    ...(dataJson === undefined ? {} : { dataJson }),
    ...(extensionsJson === undefined ? {} : { extensionsJson }),
  };
}

/** CloudEvents' type String leaves out control characters (C0, DEL, C1), lone surrogates and noncharacters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const disallowed = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]/;

function attribute(value: unknown, name: keyof typeof maxBytes): string {
  if (value === undefined || value === null) throw new EventError("missing_attribute", `${name} is missing`);
  if (typeof value !== "string") throw new EventError("invalid_attribute", `${name} must be a string`);
  if (value.length === 0) throw new EventError("invalid_attribute", `${name} must not be empty`);
  if (value.length * 3 > maxBytes[name] && Buffer.byteLength(value) > maxBytes[name]) {
    throw new EventError("invalid_attribute", `${name} must not be longer than ${maxBytes[name]} bytes`);
  }
  if (disallowed.test(value) || !value.isWellFormed()) {
    throw new EventError("invalid_attribute", `${name} must not have control characters or lone surrogates`);
  }
  return value;
}

function timeOf(value: unknown, id: string, receivedAt: string): string {
  if (value === undefined || value === null) return timeOfUuidV7(id) ?? receivedAt;
  const time = typeof value === "string" ? canonicalTimeOf(value) : undefined;
  if (time === undefined) {
    throw new EventError("invalid_time", "time must be an RFC 3339 timestamp such as 2026-11-23T10:00:00.123Z");
  }
  return time;
}

function jsonOf(value: unknown, name: string): string {
  if (isTooDeep(value, maxDepth)) throw new EventError("data_too_deep", `${name} is nested more than ${maxDepth} deep`);
  const json = JSON.stringify(value);
  // JSON.stringify writes a NUL and a lone surrogate as escapes, and PostgreSQL's jsonb has neither.
  if (/\\u(?:0000|d[89a-f])/.test(json) && unstorableCharacterIn(value)) {
    throw new EventError("unstorable_character", `${name} has a NUL character or a lone surrogate in a string`);
  }
  return json;
}

const storedAttributes: ReadonlySet<string> = new Set([
  "id",
  "source",
  "type",
  "subject",
  "time",
  "data",
  "specversion",
  // Ours: what an export says of the event, so that exports can be sent again.
  "receivedat",
]);
const attributeName = /^[a-z0-9_]{1,64}$/;

/** All attributes beyond the six, such as `datacontenttype`, `dataschema` or `traceparent`. */
function extensionsOf(input: Readonly<Record<string, unknown>>): string | undefined {
  let extensions: [string, unknown][] | undefined;
  for (const name in input) {
    if (storedAttributes.has(name)) continue;
    if (!attributeName.test(name)) {
      throw new EventError("invalid_attribute", "Names of further attributes are lower-case letters, digits and _");
    }
    extensions ??= [];
    extensions.push([name, input[name]]);
  }
  if (input["specversion"] !== undefined && input["specversion"] !== "1.0") {
    throw new EventError("unsupported_specversion", 'specversion must be "1.0" or left out');
  }
  return extensions === undefined ? undefined : jsonOf(Object.fromEntries(extensions), "An extension attribute");
}
