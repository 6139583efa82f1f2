import { type Db, statement } from "@millrace/db";

/**
 * What a process counts of itself, by name; counts only ever grow while it lives. `name:bucket` counts durations in a
 * bucket of a latency sketch.
 */
export type ProcessFigures = Readonly<Record<string, number>>;

const addMinutes = statement<[process: string, app: string, rows: string], never>(
  "process_minutes.add",
  `INSERT INTO process_minutes AS known (minute, process, app, figure, count, durations)
   SELECT date_trunc('minute', now()), $1, $2, figure, count, durations
     FROM jsonb_to_recordset($3::jsonb) AS x(figure text, count float8, durations integer[])
       ON CONFLICT (minute, process, figure) DO UPDATE
          SET count = known.count + EXCLUDED.count, durations = known.durations || EXCLUDED.durations`,
);

export const sumProcessMinutes = statement<[since: Date], { figure: string; count: number }>(
  "process_minutes.sum_since",
  "SELECT figure, sum(count) AS count FROM process_minutes WHERE minute >= $1 GROUP BY figure",
);

interface MinuteRow {
  readonly minutes_ago: number;
  readonly figure: string;
  readonly bucket: number | null;
  readonly count: number;
  /** In seconds since 1970, the same in all rows. */
  readonly now: number;
}

const listMinutes = statement<[minutes: number], MinuteRow>(
  "process_minutes.list_recent",
  `WITH recent AS (
     SELECT (extract(epoch FROM date_trunc('minute', now()) - minute) / 60)::int AS minutes_ago, figure, count, durations
       FROM process_minutes WHERE minute >= date_trunc('minute', now()) - make_interval(mins => $1)
   )
   SELECT minutes_ago, figure, NULL::int AS bucket, sum(count) AS count, extract(epoch FROM now())::float8 AS now
     FROM recent WHERE durations IS NULL GROUP BY minutes_ago, figure
    UNION ALL
   SELECT minutes_ago, figure, durations[at], sum(durations[at + 1])::float8, extract(epoch FROM now())::float8
     FROM recent, generate_series(1, cardinality(durations), 2) AS at GROUP BY minutes_ago, figure, durations[at]`,
);

/** Adds what was counted to the minute that it is. */
export async function addToMinute(
  db: Db,
  { process, app }: { readonly process: string; readonly app: string },
  grown: ProcessFigures,
): Promise<void> {
  const rows = rowsOf(grown);
  if (rows.length > 0) await db.run(addMinutes, [process, app, JSON.stringify(rows)]);
}

/** The durations of a name are one row, as pairs of a bucket and how many are in it. */
function rowsOf(figures: ProcessFigures) {
  const plain = Object.entries(figures).filter(([name]) => !name.includes(":"));
  const timed = Map.groupBy(
    Object.entries(figures).filter(([name]) => name.includes(":")),
    ([name]) => name.slice(0, name.indexOf(":")),
  );
  return [
    ...plain.map(([figure, count]) => ({ figure, count, durations: null })),
    ...[...timed].map(([figure, buckets]) => ({
      figure,
      count: buckets.reduce((sum, [, count]) => sum + count, 0),
      durations: buckets.flatMap(([name, count]) => [Number(name.slice(figure.length + 1)), count]),
    })),
  ];
}

/** What all processes counted in a span that ends now. */
export interface FleetMinutes {
  readonly seconds: number;
  readonly figures: ProcessFigures;
}

/**
 * What all processes counted in the last so many minutes, for each of several numbers: whole minutes, so that each span
 * is up to a minute longer than asked for. What was counted in the last ten seconds may not be in it yet.
 */
export async function recentMinutes(db: Db, spans: readonly number[]): Promise<FleetMinutes[]> {
  const rows = await db.rows(listMinutes, [Math.max(...spans)]);
  return spans.map((minutes) => ({
    seconds: minutes * 60 + ((rows[0]?.now ?? 0) % 60),
    figures: sumOf(rows.filter(({ minutes_ago }) => minutes_ago <= minutes)),
  }));
}

/** What all processes counted in a minute that is over. */
export interface FleetMinute {
  readonly begin: Date;
  readonly figures: ProcessFigures;
}

/** The last so many whole minutes in which something was counted, the oldest first. */
export async function wholeMinutes(db: Db, minutes: number): Promise<FleetMinute[]> {
  const rows = await db.rows(listMinutes, [minutes]);
  return [...Map.groupBy(rows, ({ minutes_ago }) => minutes_ago)]
    .filter(([ago]) => ago > 0)
    .toSorted(([one], [other]) => other - one)
    .map(([ago, same]) => ({ begin: beginOf(ago, same[0]?.now ?? 0), figures: sumOf(same) }));
}

function beginOf(minutesAgo: number, now: number): Date {
  return new Date((Math.floor(now / 60) - minutesAgo) * 60_000);
}

function sumOf(rows: readonly MinuteRow[]): ProcessFigures {
  const figures: Record<string, number> = {};
  for (const { figure, bucket, count } of rows) {
    const name = bucket === null ? figure : `${figure}:${bucket}`;
    figures[name] = (figures[name] ?? 0) + count;
  }
  return figures;
}
