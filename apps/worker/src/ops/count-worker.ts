import type { Figures } from "@millrace/fleet";
import { type EventsEvent, eventsEvents } from "../events/import-events.ts";
import { type WritesEvent, writesEvents } from "../writes/apply-writes.ts";

/** Counts what only a worker does: it brings events and writes into PostgreSQL. */
export function countWorker(figures: Figures): Disposable {
  const onEvents = (message: unknown): void => {
    const event = message as EventsEvent; // the channel carries nothing else
    if (event.kind === "delayed") return;
    const { inserted, quarantined, deadLettered } = event.counts;
    figures.count("batches");
    figures.count("rows_committed", inserted);
    figures.count("rows_quarantined", quarantined);
    figures.count("rows_dead_lettered", deadLettered);
    const now = Date.now();
    for (const { receivedAt } of event.jobs) figures.time("accept_to_commit", Math.max(0, now - receivedAt));
  };
  const onWrites = (message: unknown): void => {
    const { applied, acceptedAt } = message as WritesEvent; // the channel carries nothing else
    figures.count("writes_applied", applied.length);
    const now = Date.now();
    for (const at of acceptedAt) figures.time("write_accept_to_commit", Math.max(0, now - at));
  };
  eventsEvents.subscribe(onEvents);
  writesEvents.subscribe(onWrites);
  return {
    [Symbol.dispose]: () => {
      eventsEvents.unsubscribe(onEvents);
      writesEvents.unsubscribe(onWrites);
    },
  };
}
