import type { PoolConfig, QueryConfig } from "pg";

/** What both INSERT baselines receive. */
export interface IncomingEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly data: unknown;
}

export const poolOptions = (url: string): PoolConfig => ({ connectionString: url, max: 10 });

/** A prepared statement: PostgreSQL parses and plans it once a connection. */
export function insertOf({ id, source, type, subject, time, data }: IncomingEvent): QueryConfig {
  return {
    name: "insert_event",
    text: `INSERT INTO telemetry_events (id, source, type, subject, time, data)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    values: [id, source, type, subject ?? null, time, JSON.stringify(data)],
  };
}
