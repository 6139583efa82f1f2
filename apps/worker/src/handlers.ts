import type { JobHandlers } from "@millrace/jobs";
import type { ImportEvents } from "./events/import-events.ts";
import type { PartitionKeeper } from "./partitions/partition-keeper.ts";

/** A handler for every job of the catalogue. */
export function createHandlers({
  importEvents,
  partitions,
  applyWrites,
  forgetWrites,
}: {
  importEvents: ImportEvents;
  partitions: PartitionKeeper;
  applyWrites: JobHandlers["applyWrites"];
  forgetWrites: JobHandlers["forgetWrites"];
}): JobHandlers {
  return {
    importEvents: importEvents.handler,
    premakePartitions: () => partitions.premake(),
    applyWrites,
    forgetWrites,
  };
}
