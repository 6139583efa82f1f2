export { connectPostgres, openPostgres, type Postgres, type PostgresOptions } from "./connect.ts";
export type { Db } from "./db.ts";
export { isDataError, isPartitionMissing, isPassing, sqlState, sqlStateOf } from "./errors.ts";
export { identifier, literal } from "./identifier.ts";
export {
  type MigrateDownOptions,
  type MigrateUpOptions,
  migrateDown,
  migrateUp,
} from "./migrations/migrate.ts";
export { MigrationError, type MigrationErrorCode } from "./migrations/migration-error.ts";
export { isUpToDate, type MigrationStatus, migrationStatus } from "./migrations/migration-status.ts";
export { type NewMigrationOptions, newMigration } from "./migrations/new-migration.ts";
export { type VerifyMigrationsOptions, verifyMigrations } from "./migrations/verify-migrations.ts";
export { ExportDamagedError, ExportUnderWayError } from "./partitions/export-partition.ts";
export {
  addMonths,
  createMonthlyPartition,
  type Month,
  monthAt,
  PartitionDetachedError,
  partitionMonths,
  partitionNameOf,
} from "./partitions/monthly.ts";
export { endOf, listPartitions, monthOf, type Partition } from "./partitions/partition-list.ts";
export { forgetReattachedPartitions } from "./partitions/reattached.ts";
export { PartitionPresentError, restorePartition } from "./partitions/restore-partition.ts";
export { retentionNow } from "./partitions/retention-clock.ts";
export { byHand, planRetention, type RetentionPolicy, type RetentionStep } from "./partitions/retention-plan.ts";
export { type RetireOptions, retirePartition } from "./partitions/retire-partition.ts";
export { analyseParent, partitionsToSettle, settlePartition } from "./partitions/settle-partition.ts";
export { countedTogether, type PoolEvent, poolEvents, type QueryEvent, queryEvents } from "./query-events.ts";
export {
  connectReplicas,
  type ReadDb,
  type Reads,
  type ReadTolerance,
  type ReplicaState,
  type Replicas,
} from "./replicas/connect-replicas.ts";
export { isLsn, type Lsn } from "./replicas/lsn.ts";
export { type Statement, statement } from "./statement.ts";
export { observeStatements } from "./statement-metrics.ts";
export { traceStatements } from "./statement-traces.ts";
