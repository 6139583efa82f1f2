import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface Persistence {
  /** Whether the protocol means: that is done, go on. */
  readonly isAccepted: (status: number) => boolean;
  /** Ends all tries. */
  readonly giveUp: AbortSignal;
  readonly onRetry: () => void;
  /** An answer that the protocol does not have for a sound request. */
  readonly onViolation: (text: string) => void;
}

const attemptMs = 4_000;

/**
 * Sends a request again and again until it is accepted, as the protocol tells a client: after network faults at once or
 * soon, after 429 and 503 when Retry-After has passed. Gives `undefined` when it was given up.
 */
export async function untilAccepted(
  url: string,
  request: Pick<RequestInit, "method" | "headers" | "body">,
  { isAccepted, giveUp, onRetry, onViolation }: Persistence,
): Promise<Answer | undefined> {
  while (!giveUp.aborted) {
    let waitMs = 100 + Math.random() * 200;
    try {
      const reply = await fetch(url, { ...request, signal: AbortSignal.any([giveUp, AbortSignal.timeout(attemptMs)]) });
      const body = await reply.text();
      if (isAccepted(reply.status)) return { status: reply.status, headers: reply.headers, body };
      if (reply.status !== 503 && reply.status !== 429) onViolation(`${reply.status} ${body}`);
      // Shorter than it was told, so that a short run has many tries; never at once.
      waitMs = Math.min(1_000, Number(reply.headers.get("retry-after") ?? 1) * 250);
    } catch {
      // a network fault, or no answer in time
    }
    onRetry();
    await sleep(waitMs, undefined, { signal: giveUp }).catch(() => {});
  }
  return undefined;
}
