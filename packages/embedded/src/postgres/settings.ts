import { totalmem } from "node:os";

const megabyte = 1024 ** 2;

/** The settings of a server that is ours, as PostgreSQL takes them on its command line. */
export function postgresSettings({ durable, port }: { durable: boolean; port: number }): Record<string, string> {
  return {
    listen_addresses: "127.0.0.1",
    port: String(port),
    // Paths of sockets are limited to about 100 bytes, which a deep clone exceeds; TCP has no such limit.
    unix_socket_directories: "",
    max_connections: "200",
    shared_preload_libraries: "pg_stat_statements",
    password_encryption: "scram-sha-256",
    timezone: "UTC",
    log_timezone: "UTC",
    wal_compression: "on",
    max_wal_size: "4GB",
    checkpoint_timeout: "15min",
    track_io_timing: "on",
    random_page_cost: "1.1",
    ...memorySettings(),
    ...(durable
      ? {}
      : { fsync: "off", synchronous_commit: "off", full_page_writes: "off", autovacuum_naptime: "10min" }),
  };
}

/** Shares of what this machine, or this container, has: an eighth for shared buffers, half as the cache to expect. */
function memorySettings(): Record<string, string> {
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  const megabytes = (share: number, min: number, max: number): string =>
    `${Math.round(Math.min(max, Math.max(min, (memory * share) / megabyte)))}MB`;
  return {
    shared_buffers: megabytes(1 / 8, 64, 2048),
    effective_cache_size: megabytes(1 / 2, 256, 65_536),
    maintenance_work_mem: megabytes(1 / 32, 32, 512),
  };
}
