import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { backoffMs, isLoopback } from "@millrace/runtime";
import { z } from "zod";
import type { DemoEvent } from "./demo-event.ts";

/** What stops the demo, told so that the reader knows what to do next. */
export class DemoError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DemoError";
  }
}

export interface ApiOptions {
  /** Where Millrace listens, without a path. */
  readonly url: string;
  readonly key: string;
  /** Requests for one thing, the first included. */
  readonly maxTries?: number;
  /** How long a wait may be that the server asks for with Retry-After. */
  readonly maxWaitMs?: number;
}

const rejection = z.object({ index: z.int(), code: z.string(), message: z.string() });
const receipt = z.object({ accepted: z.int(), rejected: z.array(rejection) });
const problem = z.object({ detail: z.string() }).partial();

export type Receipt = z.output<typeof receipt>;

export interface Api {
  /** Tries the address and the key; gives the time of the server's clock in milliseconds since 1970. Throws like `send`. */
  connect(): Promise<number>;
  /** Sends the events in one request, again while the server says "later". Throws a `DemoError` when they cannot be sent. */
  send(events: readonly DemoEvent[]): Promise<Receipt>;
  /** What the server answers to a GET of a path. Throws like `send`. */
  read<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>;
  /** How many requests had to be sent again. */
  readonly retries: number;
}

const compress = promisify<string, Buffer>(gzip);
const laterStatuses: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/** Millrace's HTTP API as the demo uses it. Nothing is sent yet. */
export function createApi({ url, key, maxTries = 8, maxWaitMs = 30_000 }: ApiOptions): Api {
  let retries = 0;
  let isReached = false;
  const headers = { authorization: `Bearer ${key}` };

  /** Waits and returns, or says that it is no use. */
  async function waitBefore(tryNumber: number, retryAfter: string | null, problem: DemoError): Promise<void> {
    if (tryNumber >= maxTries) throw problem;
    retries += 1;
    const asked = retryAfterMs(retryAfter, Date.now());
    if (asked > maxWaitMs) throw problem;
    // What the server asked for, and a random part on top so that clients do not come back all at once.
    await sleep(asked + 50 + backoffMs({ baseMs: 100, maxMs: 5_000 }, tryNumber));
  }

  async function request(path: string, init: RequestInit): Promise<Response> {
    for (let tryNumber = 1; ; tryNumber += 1) {
      let response: Response;
      try {
        response = await fetch(new URL(path, url), { ...init, signal: AbortSignal.timeout(30_000) });
      } catch (error) {
        const problem = unreachable(url, error);
        if (!isReached) throw problem;
        await waitBefore(tryNumber, null, problem);
        continue;
      }
      isReached = true;
      if (!laterStatuses.has(response.status)) return response;
      const problem = new DemoError(`${url} is too busy: ${await detailOf(response)}. Try again later.`);
      await waitBefore(tryNumber, response.headers.get("retry-after"), problem);
    }
  }

  return {
    async connect() {
      const response = await request("/v1/events?limit=1", { headers });
      if (!response.ok) throw await refused(response, { url, key });
      await response.body?.cancel();
      // The header is cut to seconds, so it is asked only where the clock may be another one.
      const date = isLoopback(new URL(url).hostname) ? Number.NaN : Date.parse(response.headers.get("date") ?? "");
      return Number.isNaN(date) ? Date.now() : date;
    },
    async send(events) {
      const body = await compress(events.map((event) => JSON.stringify(event)).join("\n"));
      const response = await request("/v1/events", {
        method: "POST",
        headers: { ...headers, "content-type": "application/x-ndjson", "content-encoding": "gzip" },
        body,
      });
      const answer: unknown = await response
        .clone()
        .json()
        .catch(() => undefined);
      // A request of bad events only is answered with 400, and with the same two members.
      const result = receipt.safeParse(answer);
      if (result.success && (response.ok || response.status === 400)) return result.data;
      throw await refused(response, { url, key });
    },
    async read(path, schema) {
      const response = await request(path, { headers });
      if (!response.ok) throw await refused(response, { url, key });
      const result = schema.safeParse(await response.json());
      if (result.success) return result.data;
      throw new DemoError(`GET ${path} was not answered as expected; is ${url} a Millrace of this version?`, {
        cause: result.error,
      });
    },
    get retries() {
      return retries;
    },
  };
}

/** Milliseconds that a Retry-After header (RFC 9110, 10.2.3) asks to wait: seconds or a date; 0 if it is absent or neither. */
export function retryAfterMs(value: string | null, now: number): number {
  if (value === null) return 0;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

async function refused(response: Response, { url, key }: { url: string; key: string }): Promise<DemoError> {
  const detail = await detailOf(response);
  switch (response.status) {
    case 401:
      return new DemoError(
        `${url} does not know the key ${masked(key)}. Give one with --key or MILLRACE_KEY; ` +
          "create it with: npm run keys -- create",
      );
    case 403:
      return new DemoError(`The key ${masked(key)} may not do this: ${detail}. It needs the scopes ingest and read.`);
    case 404:
      return new DemoError(
        `${response.url} does not exist. Is something else than Millrace listening there? Give its address with --url.`,
      );
    default:
      return new DemoError(`${url} answered ${response.status}: ${detail}`);
  }
}

function unreachable(url: string, error: unknown): DemoError {
  const reason = codeOf(error) ?? messageOf(error instanceof Error && error.cause ? error.cause : error);
  return new DemoError(
    reason === "ECONNREFUSED"
      ? `Nothing listens at ${url}. Start Millrace with: npm start (and give its address with --url if it is another).`
      : `${url} cannot be reached: ${reason}`,
    { cause: error },
  );
}

/** `fetch` wraps what the socket said; with several addresses, in an AggregateError with the same code. */
function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function detailOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => "");
  const parsed = z.preprocess((value) => parsedOrUndefined(String(value)), problem).safeParse(text);
  return (parsed.success ? parsed.data.detail : undefined) ?? (text.slice(0, 200) || response.statusText);
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not every proxy answers in JSON
  }
}

/** Enough of a key to recognise it. The development key is no secret. */
function masked(key: string): string {
  return key === "millrace-dev" ? key : `${key.slice(0, 6)}…`;
}
