import { MillraceError } from "./millrace-error.ts";
import type { Callbacks } from "./report.ts";

const overflowPolicies = ["drop-oldest", "drop-newest", "block", "error"] as const;
/**
 * What `send()` does while the buffer is full. `"drop-oldest"` gives up the events that waited longest,
 * `"drop-newest"` the one being sent; `"block"` resolves once there is room, which bounds only callers that await
 * it; `"error"` drops the one being sent and rejects with `event_refused`.
 */
export type OverflowPolicy = (typeof overflowPolicies)[number];

const exits = ["beforeExit", "SIGTERM", "SIGINT"] as const;
/** `beforeExit`: the process has nothing more to do. After a signal it ends as the signal would have ended it. */
export type Exit = (typeof exits)[number];

/** The options that are a number, with what they are if left out. */
const numbers = {
  /** A request leaves as soon as this many events wait. */
  maxBatchEvents: 1_000,
  /** A request leaves as soon as this many bytes of JSON wait, and has no more unless one event does. */
  maxBatchBytes: 1_000_000,
  /** A request leaves at the latest when its first event has waited this long. */
  lingerMs: 1_000,
  /** Bodies from this many bytes on are compressed; `Infinity` for none. */
  gzipMinBytes: 1_024,
  /** Requests under way at once. With more than one, events may arrive out of order. */
  maxInFlight: 1,
  /** Events in memory, those on their way included. */
  maxBufferEvents: 10_000,
  /** Bytes of JSON in memory, those on their way included. */
  maxBufferBytes: 16_000_000,
  /** A request that has no whole answer after this long is tried again. */
  timeoutMs: 10_000,
  /** The wait before the n-th retry is random between 0 and `retryBaseMs * 2^(n-1)`, … */
  retryBaseMs: 250,
  /** … but at most this; to it comes what the server asks for with `Retry-After` or `RateLimit`. */
  retryMaxMs: 30_000,
  /** Requests for one batch, whatever the fault, before its events are dropped. */
  maxAttempts: Number.POSITIVE_INFINITY,
  /** Requests for one batch that the server answers with 500 or not as Millrace does, before its events are dropped. */
  maxServerErrors: 10,
  /** While the server refuses the key or does not know the URL, one request in this time finds out whether it still does. */
  refusedRetryMs: 60_000,
  /** How long `flush()`, `close()` and the end of the process wait. */
  flushTimeoutMs: 10_000,
};
export type NumberOptions = Readonly<typeof numbers>;

export interface ClientOptions extends Partial<NumberOptions>, Callbacks {
  /** Where Millrace is, such as `https://millrace.example.com`; a path in front of `/v1/events` is kept. */
  readonly url: string;
  /** An API key with the scope `ingest`, or what gives the one of now; it is asked before each request. */
  readonly key: string | (() => string | Promise<string>);
  readonly overflow?: OverflowPolicy;
  /** When the client closes by itself; `["beforeExit"]` if left out. */
  readonly closeOn?: readonly Exit[];
}

export interface Settings extends NumberOptions {
  readonly url: string;
  readonly key: () => string | Promise<string>;
  readonly overflow: OverflowPolicy;
  readonly closeOn: readonly Exit[];
}

/** Fills in what was left out. Throws a `MillraceError` that names the first option that cannot be used. */
export function settingsOf(options: ClientOptions): Settings {
  const { key, overflow = "drop-oldest", closeOn = ["beforeExit"] } = options;
  if (typeof key === "string" && !isKey(key))
    throw invalid("key must be a Millrace API key: printable, without spaces");
  if (typeof key !== "string" && typeof key !== "function") throw invalid("key must be a string or a function");
  if (!overflowPolicies.includes(overflow)) throw invalid(`overflow must be one of ${overflowPolicies.join(", ")}`);
  for (const exit of closeOn) {
    if (!exits.includes(exit)) throw invalid(`closeOn must have only ${exits.join(", ")}`);
  }
  return {
    ...numbersOf(options),
    url: urlOf(options.url),
    key: typeof key === "string" ? () => key : key,
    overflow,
    closeOn: [...new Set(closeOn)],
  };
}

/** Whether a header can carry it. */
export function isKey(key: unknown): key is string {
  return typeof key === "string" && /^[\x21-\x7e]+$/.test(key);
}

function numbersOf(options: ClientOptions): NumberOptions {
  const read = { ...numbers };
  for (const name of Object.keys(numbers) as (keyof NumberOptions)[]) {
    // keys of the object itself
    const value = options[name];
    if (value === undefined) continue;
    const min = name.startsWith("max") || name === "timeoutMs" ? 1 : 0;
    if (typeof value !== "number" || !(value >= min)) throw invalid(`${name} must be a number from ${min} on`);
    read[name] = value;
  }
  return read;
}

function urlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw invalid("url must begin with http:// or https://");
  if (url.username !== "" || url.password !== "") throw invalid("url must not have a user; give key instead");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}/v1/events`;
}

function invalid(message: string): MillraceError {
  return new MillraceError("invalid_options", message);
}
