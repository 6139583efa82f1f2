import type { Cache } from "@millrace/cache";
import type { Postgres } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import type { Logger } from "@millrace/runtime";
import { type AlertRule, receiversOf } from "@millrace/upkeep";
import type { loadConfig } from "../config.ts";
import type { Upkeep } from "../handlers.ts";
import type { PartitionKeeper } from "../partitions/partition-keeper.ts";
import { cleanUpExpired } from "./clean-up-expired.ts";
import { cleanUpSecurity } from "./clean-up-security.ts";
import { evaluateAlerts } from "./evaluate-alerts.ts";
import { drillBackup, lookAtBackups } from "./keep-backups.ts";
import { analyseIndexes, changeIndexes } from "./keep-indexes.ts";
import { keepPartitions } from "./keep-partitions.ts";
import { monitorPerformance } from "./monitor-performance.ts";

export interface UpkeepNeeds {
  readonly db: Postgres;
  /** For what takes minutes, and for what sets how long it waits for locks. */
  readonly patientDb: Postgres;
  readonly queues: Pick<Queues, "attendance">;
  readonly alertRules: readonly AlertRule[];
  readonly cache: Pick<Cache, "invalidate">;
  readonly partitions: PartitionKeeper;
  readonly config: Pick<ReturnType<typeof loadConfig>, "writes" | "keep" | "retention" | "backup" | "alerts">;
  readonly log: Logger;
}

/** What the scheduled jobs do. */
export function createUpkeep({
  db,
  patientDb,
  queues,
  alertRules,
  cache,
  partitions,
  config,
  log,
}: UpkeepNeeds): Upkeep {
  const { writes, keep, retention, backup, alerts } = config;
  return {
    monitorPerformance: monitorPerformance({ db }),
    evaluateAlerts: evaluateAlerts({
      ...alerts,
      db,
      partitionedTable: "telemetry_events",
      readQueues: () => queues.attendance(),
      rules: alertRules,
      receivers: receiversOf(log, alerts),
      onError: (err) => log.warn({ err }, "not all that alerts look at could be looked at, or not everybody told"),
    }),
    cleanUpExpired: cleanUpExpired({ db, cache, keepWritesMs: writes.keepMs, keepRecordsMs: keep.recordsMs }),
    cleanUpSecurity: cleanUpSecurity({
      db,
      keepKeysMs: keep.keysMs,
      keepDeadLettersMs: keep.deadLettersMs,
      keepQuarantineMs: keep.quarantineMs,
    }),
    analyseIndexes: analyseIndexes({ db: patientDb }),
    changeIndexes: changeIndexes({ db: patientDb }),
    keepPartitions: keepPartitions({ db: patientDb, table: "telemetry_events", keeper: partitions, retention }),
    lookAtBackups: lookAtBackups({ db, directory: backup.directory }),
    drillBackup: drillBackup({
      ...backup,
      db,
      onResult: (drill) => log[drill.isOk ? "info" : "error"]({ drill }, "a backup was restored for trial"),
    }),
  };
}
