import { statement } from "@millrace/db";

export interface ServerRow {
  readonly version: string;
  readonly version_number: number;
  readonly now_ms: number;
  readonly is_standby: boolean;
  readonly open_connections: number;
  readonly time_zone: string;
  readonly settings: Readonly<Record<string, string>>;
}

export interface RightsRow {
  readonly role: string;
  readonly is_superuser: boolean;
  readonly creates_tables: boolean;
  readonly is_monitor: boolean;
  readonly foreign_tables: readonly string[];
  readonly has_statements: boolean;
}

export const doctorStatements = {
  server: statement<[], ServerRow>(
    "doctor.read_server",
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_number,
            (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms, pg_is_in_recovery() AS is_standby,
            (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS open_connections,
            current_setting('TimeZone') AS time_zone,
            (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name IN (
               'max_connections', 'superuser_reserved_connections', 'reserved_connections', 'fsync', 'full_page_writes',
               'wal_level', 'synchronous_commit', 'autovacuum', 'track_counts', 'shared_preload_libraries')) AS settings`,
  ),

  /** The tables that are not the role's own cannot be changed by it, nor get indexes. */
  rights: statement<[], RightsRow>(
    "doctor.read_rights",
    `SELECT current_user AS role, rolsuper AS is_superuser,
            has_schema_privilege(coalesce(current_schema(), 'public'), 'CREATE') AS creates_tables,
            pg_has_role('pg_monitor', 'USAGE') AS is_monitor,
            (SELECT coalesce(array_agg(relname::text ORDER BY relname), '{}') FROM pg_class
              WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
                AND NOT pg_has_role(relowner, 'USAGE')) AS foreign_tables,
            EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS has_statements
       FROM pg_roles WHERE rolname = current_user`,
  ),

  statements: statement<[], { count: number }>(
    "doctor.count_statements",
    "SELECT count(*)::int AS count FROM pg_stat_statements WHERE query NOT LIKE '<insufficient privilege>'",
  ),
} as const;
