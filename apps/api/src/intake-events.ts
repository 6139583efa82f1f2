import { channel } from "node:diagnostics_channel";
import type { RejectionCode } from "./events/parse-event.ts";

/** How many events of a request were rejected, by the reason. */
export type RejectedCounts = ReadonlyMap<RejectionCode, number>;

/** What is published on `millrace:intake` once the queue has what a request brought, or nothing of it is good. */
export type IntakeEvent =
  | { readonly kind: "events"; readonly accepted: number; readonly rejected: RejectedCounts }
  | { readonly kind: "write" };

export const intakeEvents = channel("millrace:intake");

export function tellOfEvents(accepted: number, rejected: RejectedCounts): void {
  const event: IntakeEvent = { kind: "events", accepted, rejected };
  intakeEvents.publish(event);
}

/** How often each code is there. */
export function countsOf(rejected: readonly { readonly code: RejectionCode }[]): RejectedCounts {
  const counts = new Map<RejectionCode, number>();
  for (const { code } of rejected) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}
