import { Counter, type Registry } from "prom-client";
import { type IntakeEvent, intakeEvents } from "../intake-events.ts";

/** Counts what the queue has taken, and what was rejected by the reason. */
export function observeIntake(registry: Registry): void {
  const registers = [registry];
  const accepted = new Counter({
    name: "millrace_events_accepted_total",
    help: "Events that the queue has taken",
    registers,
  });
  const rejected = new Counter({
    name: "millrace_events_rejected_total",
    help: "Events that were rejected, by the reason",
    labelNames: ["reason"],
    registers,
  });
  const writes = new Counter({
    name: "millrace_writes_accepted_total",
    help: "Writes that the queue has taken",
    registers,
  });
  intakeEvents.subscribe((message) => {
    const event = message as IntakeEvent; // the channel carries nothing else
    if (event.kind === "write") {
      writes.inc();
      return;
    }
    accepted.inc(event.accepted);
    for (const [reason, count] of event.rejected) rejected.inc({ reason }, count);
  });
}
