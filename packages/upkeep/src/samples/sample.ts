import { type Db, statement } from "@millrace/db";

/**
 * What the database was like at one moment. Names that end in `_total` count up since the server's statistics were
 * reset; the difference of two samples is what happened in between. `null`: the role may not see it.
 */
export interface DatabaseSample {
  readonly commits_total: number;
  readonly rollbacks_total: number;
  readonly blocks_hit_total: number;
  readonly blocks_read_total: number;
  readonly deadlocks_total: number;
  readonly temp_bytes_total: number;
  readonly rows_inserted_total: number;
  readonly rows_updated_total: number;
  readonly rows_deleted_total: number;
  readonly checksum_failures_total: number | null;
  readonly wal_bytes_total: number;
  readonly database_bytes: number;
  readonly connections_active: number;
  readonly connections_idle: number;
  readonly connections_idle_in_transaction: number;
  readonly connections_waiting_for_lock: number;
  readonly connections_max: number;
  readonly longest_transaction_seconds: number;
  readonly longest_idle_in_transaction_seconds: number;
  readonly oldest_xid_age: number;
  readonly oldest_multixact_age: number;
  readonly replicas: number;
  readonly replica_lag_bytes: number;
  readonly slots_inactive: number;
  readonly slot_retained_bytes: number;
  readonly dead_letters_waiting: number;
  /** Statements that pg_stat_statements forgot to make room for others; absent where there is no such extension. */
  readonly statements_evicted_total?: number;
}

export interface SampleRow {
  readonly taken_at: Date;
  readonly sample: DatabaseSample;
}

/** `pg_wal_lsn_diff` against zero gives how much WAL was ever written; a standby tells what it has received. */
const take = statement<[], SampleRow>(
  "database_samples.take",
  `WITH activity AS (
     SELECT state, wait_event_type, xact_start, state_change
       FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
   ), lsn AS (
     SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS now
   )
   INSERT INTO database_samples (taken_at, sample)
   SELECT clock_timestamp(), jsonb_build_object(
     'commits_total', xact_commit, 'rollbacks_total', xact_rollback,
     'blocks_hit_total', blks_hit, 'blocks_read_total', blks_read,
     'deadlocks_total', deadlocks, 'temp_bytes_total', temp_bytes,
     'rows_inserted_total', tup_inserted, 'rows_updated_total', tup_updated, 'rows_deleted_total', tup_deleted,
     'checksum_failures_total', checksum_failures,
     'wal_bytes_total', pg_wal_lsn_diff((SELECT now FROM lsn), '0/0'),
     'database_bytes', pg_database_size(datid),
     'connections_active', (SELECT count(*) FROM activity WHERE state = 'active'),
     'connections_idle', (SELECT count(*) FROM activity WHERE state = 'idle'),
     'connections_idle_in_transaction', (SELECT count(*) FROM activity WHERE state LIKE 'idle in transaction%'),
     'connections_waiting_for_lock', (SELECT count(*) FROM activity WHERE wait_event_type = 'Lock'),
     'connections_max', current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
     'longest_transaction_seconds',
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM activity),
     'longest_idle_in_transaction_seconds',
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - state_change)), 0) FROM activity
         WHERE state LIKE 'idle in transaction%'),
     'oldest_xid_age', (SELECT max(age(datfrozenxid)) FROM pg_database),
     'oldest_multixact_age', (SELECT max(mxid_age(datminmxid)) FROM pg_database),
     'replicas', (SELECT count(*) FROM pg_stat_replication),
     'replica_lag_bytes',
       (SELECT coalesce(max(pg_wal_lsn_diff((SELECT now FROM lsn), replay_lsn)), 0) FROM pg_stat_replication),
     'slots_inactive', (SELECT count(*) FROM pg_replication_slots WHERE NOT active),
     'slot_retained_bytes',
       (SELECT coalesce(max(pg_wal_lsn_diff((SELECT now FROM lsn), restart_lsn)), 0) FROM pg_replication_slots),
     'dead_letters_waiting', (SELECT count(*) FROM dead_letters WHERE redriven_at IS NULL)
   )
     FROM pg_stat_database WHERE datname = current_database()
   RETURNING taken_at, sample`,
);

const listSince = statement<[since: Date], SampleRow>(
  "database_samples.list_since",
  "SELECT taken_at, sample FROM database_samples WHERE taken_at >= $1 ORDER BY taken_at",
);

/** The first and the last of each of so many equal spans of time: enough to tell what happened in each. */
const listSpread = statement<[since: Date, spans: number], SampleRow>(
  "database_samples.list_spread",
  `SELECT DISTINCT ON (span) taken_at, sample
     FROM (SELECT *, width_bucket(extract(epoch FROM taken_at), extract(epoch FROM $1::timestamptz),
                                  extract(epoch FROM now()) + 1, $2::int) AS span
             FROM database_samples WHERE taken_at >= $1) AS spread
    ORDER BY span, taken_at`,
);

/** Takes a sample and keeps it. */
export async function takeSample(db: Db): Promise<SampleRow> {
  const [row] = await db.rows(take, []);
  if (row === undefined) throw new Error("pg_stat_database has no row for this database");
  return row;
}

const addEvictions = statement<[takenAt: Date], never>(
  "database_samples.add_evictions",
  `UPDATE database_samples SET sample = sample || jsonb_build_object('statements_evicted_total', dealloc)
     FROM pg_stat_statements_info WHERE taken_at = $1`,
);

/** Adds to a sample how many statements pg_stat_statements forgot; it must be there. */
export async function noteEvictions(db: Db, takenAt: Date): Promise<void> {
  await db.run(addEvictions, [takenAt]);
}

/** All samples since then, the oldest first. */
export async function samplesSince(db: Db, since: Date): Promise<SampleRow[]> {
  return await db.rows(listSince, [since]);
}

/** At most so many samples since then, evenly spread. */
export async function spreadSamples(db: Db, since: Date, spans: number): Promise<SampleRow[]> {
  return await db.rows(listSpread, [since, spans]);
}
