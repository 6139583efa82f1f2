import type { Entry } from "./buffer.ts";
import type { MillraceError } from "./millrace-error.ts";
import type { Settings } from "./options.ts";
import { createPause } from "./pause.ts";
import { bodyOf, post } from "./post.ts";
import type { DropReason, Rejection } from "./report.ts";

/** What a delivery tells; each entry is told of exactly once. */
export interface DeliveryEvents {
  accepted(entries: readonly Entry[]): void;
  rejected(entry: Entry, rejection: Rejection): void;
  dropped(entries: readonly Entry[], reason: DropReason): void;
  failed(error: MillraceError): void;
  /** The server refuses whatever we send; nothing is sent for a while. */
  refused(error: MillraceError): void;
  retried(): void;
}

export interface Delivery {
  /** True while the server refuses whatever we send: no further batch should be begun. */
  readonly isRefused: boolean;
  /** Sends a batch until it is known what became of each event. Never rejects. */
  deliver(entries: readonly Entry[]): Promise<void>;
  /** Asks a server that refused us again, now. */
  resume(): void;
  /** Breaks off requests and waits; what is not decided is dropped as `closed`. */
  abandon(): void;
}

export function createDelivery(settings: Settings, told: DeliveryEvents): Delivery {
  const { retryBaseMs, retryMaxMs, maxAttempts, maxServerErrors, refusedRetryMs } = settings;
  const abandoned = new AbortController();
  const waits = createPause();
  const refusals = createPause();
  /** Before this time of `performance.now()` the server wants no request, whichever batch it answered. */
  let notBefore = 0;

  return {
    get isRefused() {
      return refusals.waiting > 0;
    },
    deliver,
    resume: () => refusals.wake(),
    abandon() {
      abandoned.abort();
      waits.wake();
      refusals.wake();
    },
  };

  async function deliver(entries: readonly Entry[]): Promise<void> {
    const body = await bodyOf(
      entries.map(({ json }) => json),
      settings,
    );
    let failures = 0;
    let serverErrors = 0;
    for (let attempt = 0; ; attempt += 1) {
      while (notBefore > performance.now() && !abandoned.signal.aborted) await waits.until(notBefore);
      if (abandoned.signal.aborted) return told.dropped(entries, "closed");
      if (attempt > 0) told.retried();
      const { outcome, waitMs } = await post(body, settings, abandoned.signal);
      notBefore = Math.max(notBefore, performance.now() + waitMs);
      switch (outcome.kind) {
        case "decided":
          refusals.wake(); // others may have been refused before the key was put right
          told.accepted(entries.filter((_, index) => !outcome.rejected.has(index)));
          for (const [index, entry] of entries.entries()) {
            const rejection = outcome.rejected.get(index);
            if (rejection !== undefined) told.rejected(entry, rejection);
          }
          return;
        case "too_large": {
          const [only] = entries;
          if (entries.length === 1 && only !== undefined) return told.rejected(only, outcome.rejection);
          const half = Math.ceil(entries.length / 2);
          await deliver(entries.slice(0, half));
          return await deliver(entries.slice(half));
        }
        case "refused": {
          if (abandoned.signal.aborted) break;
          const asked = refusals.until(performance.now() + Math.max(refusedRetryMs, waitMs));
          told.refused(outcome.error);
          await asked;
          break;
        }
        case "failed": {
          if (abandoned.signal.aborted) break;
          told.failed(outcome.error);
          failures += 1;
          if (outcome.isServerError) serverErrors += 1;
          if (failures >= maxAttempts || serverErrors >= maxServerErrors) return told.dropped(entries, "attempts");
          // Full jitter, on top of what the server asks for: clients that failed together do not come back together.
          const backoffMs = Math.random() * Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1));
          await waits.until(performance.now() + waitMs + backoffMs);
        }
      }
    }
  }
}
