import { type Db, statement } from "@millrace/db";
import { addTo, type LatencySketch, quantileOf } from "@millrace/runtime";

/** How a statement did in a span of time, in the whole fleet. Times in ms as the client saw them. */
export interface StatementFigures {
  readonly statement: string;
  readonly calls: number;
  readonly rows: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly errors: Readonly<Record<string, number>>;
  /** Calls beyond the tenth in one request: a list that is read row by row ("N+1")? */
  readonly repeated: number;
  /** As the server counted, where it does. */
  readonly server: {
    readonly calls: number;
    readonly totalMs: number;
    readonly blocksHit: number;
    readonly blocksRead: number;
    readonly blocksTemp: number;
    readonly walBytes: number;
  } | null;
}

interface TotalsRow {
  readonly statement: string;
  readonly calls: number;
  readonly rows: number;
  readonly total_ms: number;
  readonly repeated: number;
}

const sumSince = statement<[since: Date], TotalsRow>(
  "statement_minutes.sum_since",
  `SELECT statement, sum(calls)::float8 AS calls, sum(rows)::float8 AS rows, sum(total_ms) AS total_ms,
          sum(repeated)::float8 AS repeated
     FROM statement_minutes WHERE minute >= $1 GROUP BY statement`,
);

const sumDurations = statement<[since: Date], { statement: string; bucket: number; count: number }>(
  "statement_minutes.sum_durations",
  `SELECT statement, durations[at] AS bucket, sum(durations[at + 1])::float8 AS count
     FROM statement_minutes, generate_series(1, cardinality(durations), 2) AS at
    WHERE minute >= $1 GROUP BY statement, bucket`,
);

const sumErrors = statement<[since: Date], { statement: string; sqlstate: string; count: number }>(
  "statement_minutes.sum_errors",
  `SELECT statement, key AS sqlstate, sum(value::float8) AS count
     FROM statement_minutes, jsonb_each_text(errors) WHERE minute >= $1 AND errors IS NOT NULL GROUP BY 1, 2`,
);

interface ServerRow {
  readonly statement: string;
  readonly calls: number;
  readonly total_ms: number;
  readonly hit: number;
  readonly read: number;
  readonly temp: number;
  readonly wal: number;
}

const sumServer = statement<[since: Date], ServerRow>(
  "server_statements.sum_since",
  `SELECT coalesce(statement, 'server:' || query_id) AS statement, sum(calls)::float8 AS calls, sum(total_ms) AS total_ms,
          sum(blocks_hit)::float8 AS hit, sum(blocks_read)::float8 AS read, sum(blocks_temp)::float8 AS temp,
          sum(wal_bytes)::float8 AS wal
     FROM server_statement_minutes LEFT JOIN server_statements USING (query_id)
    WHERE minute >= $1 GROUP BY 1`,
);

/** All statements since then, whoever ran them; those of the server alone are named `server:QUERYID`. */
export async function queryFigures(db: Db, since: Date): Promise<StatementFigures[]> {
  const totals = new Map((await db.rows(sumSince, [since])).map((row) => [row.statement, row]));
  const sketches = new Map<string, LatencySketch>();
  for (const { statement, bucket, count } of await db.rows(sumDurations, [since])) {
    const sketch = sketches.get(statement) ?? new Map<number, number>();
    sketches.set(statement, sketch);
    addTo(sketch, bucket, count);
  }
  const errors = new Map<string, Record<string, number>>();
  for (const { statement, sqlstate, count } of await db.rows(sumErrors, [since])) {
    errors.set(statement, { ...errors.get(statement), [sqlstate]: count });
  }
  const server = new Map((await db.rows(sumServer, [since])).map((row) => [row.statement, row]));
  return [...new Set([...totals.keys(), ...server.keys()])].map((name) => {
    const client = totals.get(name);
    const onServer = server.get(name);
    const sketch = sketches.get(name) ?? new Map<number, number>();
    const { calls, rows, totalMs } =
      client === undefined
        ? { calls: onServer?.calls ?? 0, rows: 0, totalMs: onServer?.total_ms ?? 0 }
        : { calls: client.calls, rows: client.rows, totalMs: client.total_ms };
    return {
      statement: name,
      calls,
      rows,
      totalMs,
      meanMs: calls === 0 ? 0 : totalMs / calls,
      p50Ms: quantileOf(sketch, 0.5) ?? null,
      p95Ms: quantileOf(sketch, 0.95) ?? null,
      p99Ms: quantileOf(sketch, 0.99) ?? null,
      errors: errors.get(name) ?? {},
      repeated: client?.repeated ?? 0,
      server: onServer === undefined ? null : serverFiguresOf(onServer),
    };
  });
}

function serverFiguresOf({
  calls,
  total_ms,
  hit,
  read,
  temp,
  wal,
}: ServerRow): NonNullable<StatementFigures["server"]> {
  return { calls, totalMs: total_ms, blocksHit: hit, blocksRead: read, blocksTemp: temp, walBytes: wal };
}
