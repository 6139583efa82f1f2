import { type Db, statement } from "@millrace/db";
import { pairsOf, startLoop } from "@millrace/runtime";
import { createPlanSampler } from "./plan-sampler.ts";
import { addToMinute, type ProcessFigures } from "./process-figures.ts";
import { type StatementCounts, startStatementStats } from "./statement-stats.ts";

export interface StatementMonitorOptions {
  readonly db: Db;
  /** What kind of process this is: `api` or `worker`. */
  readonly app: string;
  /** Names this process, differently from all others. */
  readonly process: string;
  /** Calls that take longer are slow. Default: 50 ms. */
  readonly slowMs?: number;
  /** How often the counts are written. Default: 10 s. */
  readonly everyMs?: number;
  /** What else the process counts of itself; what is added to it goes with the rest. */
  readonly figures?: () => ProcessFigures;
  readonly onError: (error: unknown) => void;
}

const addMinutes = statement<[process: string, app: string, rows: string], never>(
  "statement_minutes.add",
  `INSERT INTO statement_minutes AS known
          (minute, process, app, statement, calls, rows, total_ms, errors, repeated, durations)
   SELECT date_trunc('minute', now()), $1, $2, statement, calls, rows, total_ms, errors, repeated, durations
     FROM jsonb_to_recordset($3::jsonb) AS x(statement text, calls bigint, rows bigint, total_ms float8,
                                             errors jsonb, repeated bigint, durations integer[])
       ON CONFLICT (minute, process, statement) DO UPDATE
          SET calls = known.calls + EXCLUDED.calls, rows = known.rows + EXCLUDED.rows,
              total_ms = known.total_ms + EXCLUDED.total_ms, repeated = known.repeated + EXCLUDED.repeated,
              durations = known.durations || EXCLUDED.durations,
              errors = CASE WHEN EXCLUDED.errors IS NULL THEN known.errors
                            WHEN known.errors IS NULL THEN EXCLUDED.errors
                            ELSE (SELECT jsonb_object_agg(key, n) FROM (
                                    SELECT key, sum(value::bigint) AS n
                                      FROM (SELECT * FROM jsonb_each_text(known.errors) UNION ALL
                                            SELECT * FROM jsonb_each_text(EXCLUDED.errors)) AS both_of_them
                                     GROUP BY key) AS summed) END`,
);

/**
 * Counts the statements of this process and writes the counts, so that any process can tell of all; looks at the
 * plans of slow ones, and now and then at the others', to see when they change. Disposing writes what is left.
 */
export function startStatementMonitor(options: StatementMonitorOptions): AsyncDisposable {
  const { db, app, process, slowMs, everyMs = 10_000, figures = () => ({}), onError } = options;
  let last: ProcessFigures = {};
  const plans = createPlanSampler({ db, ...(slowMs !== undefined && { slowMs }) });
  const stats = startStatementStats((call) => plans.consider(call));

  async function write(): Promise<void> {
    const now: ProcessFigures = figures();
    const added = Object.entries(now).map(([name, count]) => [name, count - (last[name] ?? 0)] as const);
    last = now;
    const grown = Object.fromEntries(added.filter(([, count]) => count > 0));
    await addToMinute(db, { process, app }, grown);
    const counts = [...stats.take()];
    if (counts.length > 0) await db.run(addMinutes, [process, app, JSON.stringify(counts.map(rowOf))]);
  }

  const loop = startLoop({
    everyMs,
    tick: async () => {
      await write();
      await plans.sample(stats.lastCalls);
    },
    onError,
  });
  return {
    async [Symbol.asyncDispose]() {
      await loop[Symbol.asyncDispose]();
      stats[Symbol.dispose]();
      await write().catch(onError);
    },
  };
}

function rowOf([name, counts]: readonly [string, StatementCounts]) {
  const { calls, rows, totalMs, repeated, errors, durations } = counts;
  return {
    statement: name,
    calls,
    rows,
    total_ms: totalMs,
    repeated,
    errors: errors.size === 0 ? null : Object.fromEntries(errors),
    durations: pairsOf(durations),
  };
}
