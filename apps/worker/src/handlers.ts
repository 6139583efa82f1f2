import type { JobHandler, JobHandlers, JobKey, JobPayload } from "@millrace/jobs";
import type { Run } from "@millrace/upkeep";
import type { ImportEvents } from "./events/import-events.ts";
import type { createRecorded } from "./upkeep/recorded.ts";

type UpkeepKey = Exclude<JobKey, "importEvents" | "applyWrites">;

/** What upkeep does, one run of each kind at a time. */
export type Upkeep = { readonly [Key in UpkeepKey]: (run: Run, payload: JobPayload<Key>) => Promise<void> };

/** A handler for every job of the catalogue. */
export function createHandlers({
  importEvents,
  applyWrites,
  recorded,
  upkeep,
}: {
  importEvents: ImportEvents;
  applyWrites: JobHandler<"applyWrites">;
  recorded: ReturnType<typeof createRecorded>;
  upkeep: Upkeep;
}): JobHandlers {
  return {
    importEvents: importEvents.handler,
    applyWrites,
    monitorPerformance: recorded("monitorPerformance", upkeep.monitorPerformance),
    evaluateAlerts: recorded("evaluateAlerts", upkeep.evaluateAlerts),
    cleanUpExpired: recorded("cleanUpExpired", upkeep.cleanUpExpired),
    analyseIndexes: recorded("analyseIndexes", upkeep.analyseIndexes),
    changeIndexes: recorded("changeIndexes", upkeep.changeIndexes),
    cleanUpSecurity: recorded("cleanUpSecurity", upkeep.cleanUpSecurity),
    lookAtBackups: recorded("lookAtBackups", upkeep.lookAtBackups),
    drillBackup: recorded("drillBackup", upkeep.drillBackup),
    keepPartitions: recorded("keepPartitions", upkeep.keepPartitions),
  };
}
