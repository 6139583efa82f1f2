export type MillraceErrorCode =
  /** An option of `createClient` cannot be used. */
  | "invalid_options"
  /** No connection, or it broke before the whole answer was there. */
  | "network"
  /** No whole answer within `timeoutMs`. */
  | "timeout"
  /** The function given as `key` failed. */
  | "key_unavailable"
  /** 429. */
  | "rate_limited"
  /** 408, 425, 502, 503, 504. */
  | "unavailable"
  /** 500 and other statuses above it. */
  | "server_error"
  /** A success whose body is not Millrace's. */
  | "invalid_answer"
  /** 401 or 403, or a key that no header can carry: the events wait until the key is right. */
  | "key_refused"
  /** A redirect, 404 or 405: the events wait until the URL is right. */
  | "url_refused"
  /** The buffer is full, or the client closed, with the policy `"error"`. */
  | "event_refused"
  /** The server will not store an event. Only where no `onRejected` is given. */
  | "event_rejected"
  /** An event was given up. Only where no `onDropped` is given. */
  | "event_dropped";

/** What went wrong with a request, an event or an option. */
export class MillraceError extends Error {
  readonly code: MillraceErrorCode;
  /** Of the answer, where there was one. */
  readonly status: number | undefined;
  /** True if the client tries again by itself and nothing is lost yet. */
  readonly isRetryable: boolean;

  constructor(
    code: MillraceErrorCode,
    message: string,
    { status, isRetryable = false, cause }: { status?: number; isRetryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "MillraceError";
    this.code = code;
    this.status = status;
    this.isRetryable = isRetryable;
  }
}
