import { MillraceError, type MillraceErrorCode } from "./millrace-error.ts";
import type { Rejection } from "./report.ts";

/** What became of a request, and with that what to do about its events. */
export type Outcome =
  /** The server has decided on each event; those whose index is not in `rejected` are accepted. */
  | { readonly kind: "decided"; readonly rejected: ReadonlyMap<number, Rejection> }
  /** Nothing was stored; fewer events may pass. */
  | { readonly kind: "too_large"; readonly rejection: Rejection }
  /** Nothing was stored, and it is not the events' fault: they wait until the configuration is right. */
  | { readonly kind: "refused"; readonly error: MillraceError }
  /** It is not known what was stored: send the same again. */
  | { readonly kind: "failed"; readonly error: MillraceError; readonly isServerError: boolean };

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Reads the answer to a request with `count` events. */
export function outcomeOf({ status, body }: Answer, count: number): Outcome {
  const answer = objectIn(body);
  if (status >= 200 && status < 300) {
    const rejected = rejectedIn(answer, count);
    if (rejected !== undefined) return { kind: "decided", rejected };
    const message = `The answer (${status}) is not one of Millrace's; is the URL right?`;
    return failed("invalid_answer", message, status, true);
  }
  const said = textIn(answer?.["detail"]) ?? textIn(answer?.["title"]) ?? "it did not say why";
  if (status === 401 || status === 403) return refused("key_refused", `The server refuses the key: ${said}`, status);
  if (status < 400 || status === 404 || status === 405) {
    return refused("url_refused", `There is no Millrace at this URL (${status}): ${said}`, status);
  }
  if (status === 408 || status === 425 || (status >= 502 && status <= 504)) {
    return failed("unavailable", `The server cannot take events now (${status}): ${said}`, status, false);
  }
  if (status === 429) return failed("rate_limited", `The server asks for fewer events (429): ${said}`, status, false);
  if (status >= 500) return failed("server_error", `The server failed (${status}): ${said}`, status, true);
  const rejection = { code: codeIn(answer) ?? `http_${status}`, message: said };
  if (status === 413) return { kind: "too_large", rejection };
  const all = new Map(Array.from({ length: count }, (_, index) => [index, rejection]));
  return { kind: "decided", rejected: rejectedIn(answer, count) ?? all };
}

function failed(code: MillraceErrorCode, message: string, status: number, isServerError: boolean): Outcome {
  return { kind: "failed", error: new MillraceError(code, message, { status, isRetryable: true }), isServerError };
}

function refused(code: MillraceErrorCode, message: string, status: number): Outcome {
  return { kind: "refused", error: new MillraceError(code, message, { status }) };
}

/** `accepted` and `rejected` of an answer, if they are there and together tell of each event exactly once. */
function rejectedIn(answer: Answered | undefined, count: number): ReadonlyMap<number, Rejection> | undefined {
  const list = answer?.["rejected"];
  if (!Array.isArray(list)) return undefined;
  const rejected = new Map<number, Rejection>();
  for (const item of list as unknown[]) {
    const { index, code, message } = (item ?? {}) as Answered; // each member is looked at
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= count) return undefined;
    rejected.set(index, { code: textIn(code) ?? "rejected", message: textIn(message) ?? "" });
  }
  const isWhole = rejected.size === list.length && answer?.["accepted"] === count - rejected.size;
  return isWhole ? rejected : undefined;
}

type Answered = Readonly<Record<string, unknown>>;

function objectIn(body: string): Answered | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Answered) : undefined; // objects have string keys
  } catch {
    return undefined;
  }
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The last part of a problem document's `type` (RFC 9457). */
function codeIn(answer: Answered | undefined): string | undefined {
  return textIn(textIn(answer?.["type"])?.split("/").at(-1));
}
