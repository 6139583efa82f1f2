import { statement } from "@millrace/db";

interface Valued {
  readonly value: number;
}

/** Each gives the worst cases first. Numbers are float8, which arrive as numbers. */
export const healthStatements = {
  /** Ours say behind their names on whose behalf they are. */
  connections: statement<[], Valued>(
    "health.connections",
    `SELECT sum(n)::float8 / (current_setting('max_connections')::int
                              - current_setting('superuser_reserved_connections')::int) AS value,
            sum(n)::int AS connections, jsonb_object_agg(app, n) AS by_application
       FROM (SELECT coalesce(nullif(regexp_replace(application_name, '^(millrace-\\w+) .*', '\\1'), ''), 'unnamed') AS app,
                    count(*) AS n
               FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1) AS apps`,
  ),

  idleInTransaction: statement<[], Valued>(
    "health.idle_in_transaction",
    `SELECT extract(epoch FROM clock_timestamp() - state_change)::float8 AS value, pid, usename AS role,
            application_name AS application, left(query, 200) AS last_statement
       FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' ORDER BY 1 DESC LIMIT 20`,
  ),

  longTransactions: statement<[], Valued>(
    "health.long_transactions",
    `SELECT extract(epoch FROM clock_timestamp() - xact_start)::float8 AS value, pid, usename AS role,
            application_name AS application, state, left(query, 200) AS statement
       FROM pg_stat_activity
      WHERE xact_start IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      ORDER BY 1 DESC LIMIT 20`,
  ),

  /** Whoever blocks and is not blocked is a root, at depth 0; those who wait for it come below. */
  blockingTree: statement<[], { depth: number; pid: number; path: readonly number[]; waits_seconds: number }>(
    "health.blocking_tree",
    `WITH RECURSIVE waits AS (
       SELECT pid, unnest(pg_blocking_pids(pid)) AS blocker FROM pg_stat_activity WHERE wait_event_type = 'Lock'
     ), tree AS (
       SELECT DISTINCT blocker AS pid, 0 AS depth, ARRAY[blocker] AS path
         FROM waits WHERE blocker NOT IN (SELECT pid FROM waits)
        UNION ALL
       SELECT waits.pid, depth + 1, path || waits.pid
         FROM tree JOIN waits ON waits.blocker = tree.pid WHERE waits.pid <> ALL (path) AND depth < 20
     )
     SELECT tree.pid, depth, path, state, application_name AS application, left(query, 200) AS statement,
            extract(epoch FROM clock_timestamp() - state_change)::float8 AS waits_seconds
       FROM tree LEFT JOIN pg_stat_activity AS activity ON activity.pid = tree.pid
      ORDER BY path LIMIT 100`,
  ),

  /** Of the whole cluster: the oldest database decides when all of them stop. */
  oldestXids: statement<[], Valued>(
    "health.oldest_xids",
    `(SELECT age(relfrozenxid)::float8 AS value, current_database()::text AS database, oid::regclass::text AS table
        FROM pg_class WHERE relkind IN ('r', 'm', 't') AND relfrozenxid <> '0' ORDER BY 1 DESC LIMIT 5)
      UNION ALL
     (SELECT age(datfrozenxid)::float8, datname::text, NULL
        FROM pg_database WHERE datname <> current_database() ORDER BY 1 DESC LIMIT 5)
      ORDER BY value DESC`,
  ),

  oldestMultixacts: statement<[], Valued>(
    "health.oldest_multixacts",
    `(SELECT mxid_age(relminmxid)::float8 AS value, current_database()::text AS database, oid::regclass::text AS table
        FROM pg_class WHERE relkind IN ('r', 'm', 't') AND relminmxid <> '0' ORDER BY 1 DESC LIMIT 5)
      UNION ALL
     (SELECT mxid_age(datminmxid)::float8, datname::text, NULL
        FROM pg_database WHERE datname <> current_database() ORDER BY 1 DESC LIMIT 5)
      ORDER BY value DESC`,
  ),

  /** Of small tables a share says nothing. */
  deadRows: statement<[], Valued>(
    "health.dead_rows",
    `SELECT n_dead_tup::float8 / (n_live_tup + n_dead_tup) AS value, relid::regclass::text AS table,
            n_dead_tup::float8 AS dead_rows, last_autovacuum, last_vacuum
       FROM pg_stat_user_tables WHERE n_dead_tup > 10000 ORDER BY 1 DESC LIMIT 10`,
  ),

  /** Who keeps vacuum from removing rows that died since then. */
  xminHolders: statement<[], Valued>(
    "health.xmin_holders",
    `SELECT age(backend_xmin)::float8 AS value, 'session ' || pid AS holder, application_name AS detail
       FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
      UNION ALL
     SELECT age(least_xmin)::float8, 'slot ' || slot_name, slot_type
       FROM (SELECT *, coalesce(xmin, catalog_xmin) AS least_xmin FROM pg_replication_slots) AS slots
      WHERE least_xmin IS NOT NULL
      UNION ALL
     SELECT age(transaction)::float8, 'prepared transaction ' || gid, owner::text FROM pg_prepared_xacts
      ORDER BY 1 DESC LIMIT 10`,
  ),

  replicationLag: statement<[], Valued>(
    "health.replication_lag",
    `SELECT coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, flush_lsn, write_lsn, sent_lsn)),
                     0)::float8 AS value,
            application_name AS replica, state, extract(epoch FROM replay_lag)::float8 AS lag_seconds
       FROM pg_stat_replication WHERE NOT pg_is_in_recovery() AND state IS DISTINCT FROM 'backup'
      ORDER BY 1 DESC LIMIT 20`,
  ),

  slots: statement<[], Valued & { readonly wal_status: string | null }>(
    "health.slots",
    `SELECT coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::float8 AS value, slot_name AS slot,
            active, wal_status
       FROM pg_replication_slots WHERE NOT pg_is_in_recovery() ORDER BY 1 DESC LIMIT 20`,
  ),

  /** A sequence ends where its type does, or the column that it fills. */
  sequences: statement<[], Valued>(
    "health.sequences",
    `SELECT coalesce(last_value, start_value)::float8
              / least(max_value, CASE atttypid WHEN 'int4'::regtype THEN 2147483647 WHEN 'int2'::regtype THEN 32767
                                 ELSE max_value END)::float8 AS value,
            schemaname || '.' || sequencename AS sequence, attrelid::regclass::text AS table, attname AS column
       FROM pg_sequences
       JOIN pg_class ON relkind = 'S' AND relname = sequencename AND relnamespace = to_regnamespace(quote_ident(schemaname))
       LEFT JOIN pg_depend ON objid = pg_class.oid AND deptype IN ('a', 'i') AND refobjsubid > 0
       LEFT JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
      WHERE NOT cycle AND increment_by > 0 ORDER BY 1 DESC LIMIT 5`,
  ),

  /** What the role may see of others, and whether the server looks at checksums at all. */
  sight: statement<[], { sees_all: boolean; role: string; checksums: boolean }>(
    "health.sight",
    `SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all, current_user::text AS role,
            current_setting('data_checksums')::bool AS checksums`,
  ),

  checksumFailures: statement<[], Valued>(
    "health.checksum_failures",
    `SELECT coalesce(checksum_failures, 0)::float8 AS value, datname AS database, checksum_last_failure AS last_at
       FROM pg_stat_database WHERE checksum_failures > 0 ORDER BY 1 DESC LIMIT 5`,
  ),
} as const;
