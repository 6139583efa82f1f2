import { fieldsOf, linesOf, monthOf } from "@millrace/events";
import { startTailPublisher, type TailPublisher, type TailPublisherOptions } from "@millrace/tail";
import type { PartitionKeeper } from "../../partitions/partition-keeper.ts";
import { type EventsEvent, eventsEvents } from "../import-events.ts";

type Committed = Extract<EventsEvent, { kind: "committed" }>;

export interface TailNeeds extends TailPublisherOptions {
  readonly partitions: Pick<PartitionKeeper, "ensure">;
}

/**
 * Shows the rows of each committed batch to those who follow the tail. It costs one command a second
 * while nobody does, and never delays a batch: a batch is shown after its jobs were acknowledged, or not.
 */
export function startTail({ partitions, ...options }: TailNeeds): AsyncDisposable {
  const publisher = startTailPublisher(options);
  const onEvent = (message: unknown): void => {
    const event = message as EventsEvent; // the channel carries nothing else
    if (event.kind !== "committed" || !publisher.isWanted) return;
    setImmediate(() => void show(event, { publisher, partitions }).catch(() => {}));
  };
  eventsEvents.subscribe(onEvent);
  return {
    async [Symbol.asyncDispose]() {
      eventsEvents.unsubscribe(onEvent);
      await publisher[Symbol.asyncDispose]();
    },
  };
}

/** Leaves out what is not in `telemetry_events`; a row that was already there may be shown again. */
async function show(
  { jobs, counts }: Committed,
  { publisher, partitions }: { publisher: TailPublisher; partitions: Pick<PartitionKeeper, "ensure"> },
): Promise<void> {
  // Nothing new came in; or PostgreSQL refused some rows, which is very rare, and it is not known here which.
  if (counts.inserted === 0 || counts.deadLettered > 0) return;
  const lines = jobs.flatMap(({ rows }) => linesOf(rows));
  if (counts.quarantined === 0) return publisher.publish(lines);
  const refused = await partitions.ensure(new Set(jobs.flatMap(({ months }) => months)));
  publisher.publish(lines.filter((line) => !refused.has(monthOf(fieldsOf(line)[4] ?? ""))));
}
