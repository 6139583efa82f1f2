export { connectPostgres, type Postgres, type PostgresOptions } from "./connect.ts";
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
export {
  addMonths,
  createMonthlyPartition,
  type Month,
  monthAt,
  PartitionDetachedError,
  partitionMonths,
  partitionNameOf,
} from "./partitions/monthly.ts";
export { type QueryEvent, queryEvents } from "./query-events.ts";
export { type Statement, statement } from "./statement.ts";
export { observeStatements } from "./statement-metrics.ts";
