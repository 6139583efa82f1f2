import { type ReadDb, statement } from "@millrace/db";
import { conditionsOf, type EventFilter } from "./event-filter.ts";

export const intervals = {
  "1m": 60,
  "5m": 300,
  "15m": 900,
  "1h": 3_600,
  "6h": 21_600,
  "1d": 86_400,
  "1w": 604_800,
} as const;
export type Interval = keyof typeof intervals;

/** Types that are counted one by one; a bounded reply cannot name all of them. */
export const maxTypes = 20;

/** Half-open, in seconds since 1970. */
interface Buckets {
  readonly first: number;
  readonly count: number;
  readonly seconds: number;
}

interface TypeCounts {
  /** `undefined` stands for all types that are not counted one by one. */
  readonly type: string | undefined;
  readonly total: number;
  /** One number a bucket. */
  readonly counts: number[];
}

/** A Monday, so that weeks begin on one; every other interval divides a day. */
const origin = Date.UTC(2001, 0, 1) / 1_000;

/** The buckets, aligned to the clock in UTC, that have a part in the range. */
export function bucketsOf(from: string, to: string, interval: Interval): Buckets {
  const seconds = intervals[interval];
  const indexOf = (time: number): number => (time / 1_000 - origin) / seconds;
  const start = Math.floor(indexOf(Date.parse(from)));
  return { first: origin + start * seconds, count: Math.ceil(indexOf(Date.parse(to))) - start, seconds };
}

type CountParams = readonly (string | number)[];
type CountRow = { type: string | null; bucket: number; count: string; types: string };

/** Counts the filter's events by type and bucket: the most frequent types, and all others together. */
export async function countEvents(
  db: ReadDb,
  filter: EventFilter,
  { first, count, seconds }: Buckets,
): Promise<{ series: TypeCounts[]; types: number }> {
  const { where, params } = conditionsOf(filter);
  const [width, start, most] = [params.length + 1, params.length + 2, params.length + 3].map((number) => `$${number}`);
  const rows = await db.rows(
    statement<CountParams, CountRow>(
      "events.stats_by_type",
      `WITH counted AS MATERIALIZED (
         SELECT type, date_bin(make_interval(secs => ${width}), time, to_timestamp(${start})) AS bucket, count(*) AS count
           FROM telemetry_events ${where}
          GROUP BY 1, 2
       ), ranked AS (
         SELECT type, row_number() OVER (ORDER BY sum(count) DESC, type) AS rank FROM counted GROUP BY type
       )
       SELECT CASE WHEN rank <= ${most} THEN type END AS type,
              (extract(epoch FROM bucket - to_timestamp(${start})) / ${width})::int AS bucket,
              sum(count) AS count,
              (SELECT count(*) FROM ranked) AS types
         FROM counted JOIN ranked USING (type)
        GROUP BY 1, 2, rank <= ${most}
        ORDER BY min(rank), 2`,
    ),
    [...params, seconds, first, maxTypes],
  );
  return { series: seriesOf(rows, count), types: Number(rows[0]?.types ?? 0) };
}

function seriesOf(rows: readonly CountRow[], buckets: number): TypeCounts[] {
  const byType = Map.groupBy(rows, ({ type }) => type);
  return [...byType].map(([type, ofType]) => {
    const counts = new Array<number>(buckets).fill(0);
    for (const { bucket, count } of ofType) counts[bucket] = Number(count);
    return { type: type ?? undefined, total: counts.reduce((sum, count) => sum + count, 0), counts };
  });
}
