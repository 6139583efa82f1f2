import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { askedWaitMs } from "./asked-wait.ts";
import { MillraceError } from "./millrace-error.ts";
import { isKey, type Settings } from "./options.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

const compress = promisify(gzip);

/** Longer answers are not Millrace's: a rejection of each of 10,000 events has about 2 MB. */
const maxAnswerBytes = 16_000_000;

/** A request's body, made once for all tries. */
export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isGzip: boolean;
  readonly count: number;
}

/** The events, each one line of JSON: in NDJSON a line that cannot be read does not spoil the others. */
export async function bodyOf(
  lines: readonly string[],
  { gzipMinBytes }: Pick<Settings, "gzipMinBytes">,
): Promise<Body> {
  const plain = Buffer.from(lines.join("\n"));
  const count = lines.length;
  if (plain.length < gzipMinBytes) return { bytes: plain, isGzip: false, count };
  try {
    return { bytes: await compress(plain), isGzip: true, count };
  } catch {
    return { bytes: plain, isGzip: false, count }; // out of memory, say: it goes as it is
  }
}

export interface Posted {
  readonly outcome: Outcome;
  /** How long the server wants no further request. */
  readonly waitMs: number;
}

/** Sends one request and reads its answer to the end. Never rejects; an abort is a failure like any other. */
export async function post(
  { bytes, isGzip, count }: Body,
  { url, key, timeoutMs }: Pick<Settings, "url" | "key" | "timeoutMs">,
  signal: AbortSignal,
): Promise<Posted> {
  let authorization: string;
  try {
    const token = await key();
    if (!isKey(token)) return fault("key_refused", "The function given as key did not give one");
    authorization = `Bearer ${token}`;
  } catch (cause) {
    return fault("key_unavailable", `The function given as key failed: ${messageOf(cause)}`, cause);
  }
  // Not AbortSignal.any: it keeps each signal as long as the longest-living one.
  const request = new AbortController();
  const abort = (): void => request.abort();
  let isTimeout = false;
  const timer = setTimeout(() => {
    isTimeout = true;
    abort();
  }, timeoutMs).unref();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        authorization,
        "content-type": "application/x-ndjson",
        accept: "application/json, application/problem+json",
        ...(isGzip ? { "content-encoding": "gzip" } : {}),
      },
      body: bytes,
      redirect: "manual", // a followed one would turn POST into GET
      signal: request.signal,
    });
    const answer = { status: response.status, body: await textOf(response) };
    return { outcome: outcomeOf(answer, count), waitMs: askedWaitMs(response.headers) };
  } catch (cause) {
    if (isTimeout) return fault("timeout", `There was no whole answer from ${url} within ${timeoutMs} ms`, cause);
    return fault("network", `The request to ${url} failed: ${messageOf(cause)}`, cause);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** The whole body; `""`, which is no answer of Millrace's, for one beyond all measure, the rest of which is let go. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > maxAnswerBytes) return "";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function fault(
  code: "key_refused" | "key_unavailable" | "timeout" | "network",
  message: string,
  cause?: unknown,
): Posted {
  if (code === "key_refused")
    return { outcome: { kind: "refused", error: new MillraceError(code, message) }, waitMs: 0 };
  const error = new MillraceError(code, message, { isRetryable: true, cause });
  return { outcome: { kind: "failed", error, isServerError: false }, waitMs: 0 };
}

/** What fetch knows is in the cause of its "fetch failed". */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return messageOf(error.cause);
  const { code } = error as NodeJS.ErrnoException; // read as optional
  return error.message || code || error.name; // an AggregateError of several addresses has no message
}
