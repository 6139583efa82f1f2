import { randomUUID } from "node:crypto";

/**
 * An event with the attributes of CloudEvents 1.0. All but these six are extension attributes, such as
 * `traceparent`, and are passed on as they are; their names are lower-case letters, digits and `_`.
 */
export interface MillraceEvent<Type extends string = string, Data = unknown> {
  /** Where it happened, a URI reference such as `/shop`. */
  readonly source: string;
  /** What happened, such as `order.paid`. */
  readonly type: Type;
  /** Unique within its source. A UUIDv7 if left out. */
  readonly id?: string | undefined;
  readonly subject?: string | undefined;
  /** When it happened, RFC 3339. If left out, the time inside a UUIDv7 `id`, or else the time of `send()`. */
  readonly time?: string | Date | undefined;
  /** Any JSON value. */
  readonly data?: Data | undefined;
  readonly [extension: string]: unknown;
}

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/**
 * The event as JSON, with `id` and `time` frozen: Millrace keeps an event once for its id, source and time, so
 * the same JSON may be sent any number of times. Throws what `JSON.stringify` throws, and for an invalid `Date`.
 */
export function encodeEvent(event: MillraceEvent, now: number = Date.now()): string {
  const id = event.id ?? uuidV7Of(now);
  // The server reads the time out of a UUIDv7, so that an id of the caller's is one event however often it is sent.
  const hasOwnTime = typeof event.id === "string" && uuidV7.test(event.id);
  const time = event.time ?? (hasOwnTime ? undefined : new Date(now));
  return JSON.stringify({ ...event, id, time: time instanceof Date ? time.toISOString() : time });
}

/** A UUID of version 7 (RFC 9562, 5.7): 48 bits of Unix time in ms, then random bits. */
function uuidV7Of(now: number): string {
  const time = now.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
