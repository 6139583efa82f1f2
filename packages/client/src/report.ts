import process from "node:process";
import type { MillraceEvent } from "./event.ts";
import { MillraceError, type MillraceErrorCode } from "./millrace-error.ts";

/** Why an event will not be stored. `code` is the server's, such as `missing_attribute`, or `not_serialisable`. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
}

/**
 * Why an event was given up: the buffer was full; a batch used up `maxAttempts` or `maxServerErrors`; the client
 * was closed, or the time of `close()` was over. An event of the last two may have been stored all the same.
 */
export type DropReason = "overflow" | "attempts" | "closed";

/** Counts since the start. `sent` is always `queued + accepted + rejected + dropped`. */
export interface Statistics {
  /** Events given to `send()`. */
  readonly sent: number;
  /** Events in memory, those on their way included. */
  readonly queued: number;
  /** Events that the server took over. */
  readonly accepted: number;
  readonly rejected: number;
  readonly dropped: number;
  /** Requests sent again. */
  readonly retries: number;
}

export interface Callbacks {
  readonly onRejected?: ((event: MillraceEvent, rejection: Rejection) => void) | undefined;
  readonly onDropped?: ((event: MillraceEvent, reason: DropReason) => void) | undefined;
  readonly onError?: ((error: MillraceError) => void) | undefined;
}

/** What has become of events, told once: counted, and handed to the callbacks. */
export interface Report {
  sent(): void;
  accepted(count: number): void;
  rejected(event: MillraceEvent, rejection: Rejection): void;
  /** `event` is called only if somebody wants to see it. */
  dropped(event: () => MillraceEvent, reason: DropReason): void;
  retried(): void;
  failed(error: MillraceError): void;
  statistics(): Statistics;
}

export function createReport({ onRejected, onDropped, onError = warnOnce() }: Callbacks): Report {
  const counts = { sent: 0, accepted: 0, rejected: 0, dropped: 0, retries: 0 };
  const failed = (error: MillraceError): void => guarded(() => onError(error));
  return {
    failed,
    sent() {
      counts.sent += 1;
    },
    accepted(count) {
      counts.accepted += count;
    },
    rejected(event, rejection) {
      counts.rejected += 1;
      if (onRejected !== undefined) guarded(() => onRejected(event, rejection));
      else
        failed(new MillraceError("event_rejected", `An event was rejected (${rejection.code}): ${rejection.message}`));
    },
    dropped(event, reason) {
      counts.dropped += 1;
      if (onDropped !== undefined) guarded(() => onDropped(event(), reason));
      else failed(new MillraceError("event_dropped", `An event was dropped: ${dropMessages[reason]}`));
    },
    retried() {
      counts.retries += 1;
    },
    statistics() {
      return { ...counts, queued: counts.sent - counts.accepted - counts.rejected - counts.dropped };
    },
  };
}

const dropMessages: Readonly<Record<DropReason, string>> = {
  overflow: "the buffer is full",
  attempts: "the server failed too often",
  closed: "the client is closed",
};

/** A callback that throws must not end the sending, and there is nobody else to throw to. */
function guarded(callback: () => unknown): void {
  try {
    const result = callback();
    if (result instanceof Promise) result.catch(warnOf);
  } catch (error) {
    warnOf(error);
  }
}

function warnOf(error: unknown): void {
  process.emitWarning(error instanceof Error ? (error.stack ?? error.message) : String(error), {
    type: "MillraceWarning",
    detail: "A callback of the Millrace client failed",
  });
}

/** Without `onError` nothing that costs events stays unseen, and nothing is said twice. */
function warnOnce(): (error: MillraceError) => void {
  const told = new Set<MillraceErrorCode>();
  return (error) => {
    if (error.isRetryable || told.has(error.code)) return;
    told.add(error.code);
    const detail = "Further ones of this kind are not shown; give the Millrace client onError to see them";
    process.emitWarning(error.message, { type: "MillraceWarning", code: error.code, detail });
  };
}
