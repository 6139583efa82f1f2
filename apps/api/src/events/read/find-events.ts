import { type Month, partitionMonths, type ReadDb, statement } from "@millrace/db";
import { conditionsOf, type EventFilter } from "./event-filter.ts";
import { type EventRow, eventColumns } from "./event-row.ts";
import { windowsOf } from "./windows.ts";

const newestFirst = "ORDER BY e.time DESC, e.id DESC, e.source DESC";
const monthsOfWindow = 12;
const recentRows = 10_000;

/** The newest `limit` events that the filter lets through, newest first; equal times by id and source, descending. */
export async function findEvents(db: ReadDb, filter: EventFilter, limit: number): Promise<EventRow[]> {
  return filter.data === undefined
    ? await findInWindows(db, filter, limit, { months: monthsOfWindow, find: findByIndexOrder })
    : await findByData(db, filter, limit);
}

/** The newest event with this id, of all sources and times unless they are given. */
export async function findEvent(
  db: ReadDb,
  { time, ...filter }: { id: string; source: string | undefined; time: string | undefined },
): Promise<EventRow | undefined> {
  const [event] =
    time === undefined
      ? await findInWindows(db, filter, 1, { months: monthsOfWindow, find: findAllThenOrder })
      : await findAllThenOrder(db, { ...filter, at: time }, 1);
  return event;
}

/**
 * How often a value occurs in `data` is more than the planner can know, and both of its ways are slow
 * for the wrong value: the index on `data` for a frequent one, the order of time for a rare one. So
 * the newest rows are looked through first, and if they do not fill the page the value is rare.
 */
async function findByData(db: ReadDb, filter: EventFilter, limit: number): Promise<EventRow[]> {
  const nothingOlder = async (): Promise<undefined> => undefined;
  const recent = await findInWindows(db, filter, limit, {
    months: monthsOfWindow,
    find: findAmongRecent,
    oldest: nothingOlder,
  });
  if (recent.length === limit) return recent;
  return await findInWindows(db, filter, limit, { months: 1, find: findAllThenOrder });
}

type Find = (db: ReadDb, filter: EventFilter, limit: number) => Promise<EventRow[]>;

async function findInWindows(
  db: ReadDb,
  filter: EventFilter,
  limit: number,
  {
    months,
    find,
    oldest = () => oldestMonth(db),
  }: { months: number; find: Find; oldest?: () => Promise<Month | undefined> },
): Promise<EventRow[]> {
  const rows: EventRow[] = [];
  for await (const window of windowsOf(filter, { months, oldest })) {
    rows.push(...(await find(db, { ...filter, ...window }, limit - rows.length)));
    if (rows.length >= limit) break;
  }
  return rows;
}

async function oldestMonth(db: ReadDb): Promise<Month | undefined> {
  return [...(await partitionMonths(db, "telemetry_events"))].sort()[0];
}

/** Reads an index backwards until it has enough. */
const findByIndexOrder: Find = async (db, filter, limit) => {
  const { where, params } = conditionsOf(filter);
  return await db.rows(
    statement<readonly unknown[], EventRow>(
      listNameOf(filter),
      `SELECT ${eventColumns} FROM telemetry_events e ${where} ${newestFirst} LIMIT $${params.length + 1}`,
    ),
    [...params, limit],
  );
};

/**
 * Collects all that match, through the index that finds them, and puts them in order afterwards.
 * OFFSET 0 keeps the planner from walking the index on time in search of a match.
 */
const findAllThenOrder: Find = async (db, filter, limit) => {
  const { where, params } = conditionsOf(filter);
  return await db.rows(
    statement<readonly unknown[], EventRow>(
      filter.id === undefined ? "events.list_by_data" : "events.get_by_id",
      `SELECT ${eventColumns} FROM (SELECT * FROM telemetry_events ${where} OFFSET 0) e
       ${newestFirst} LIMIT $${params.length + 1}`,
    ),
    [...params, limit],
  );
};

/** Looks for `data` among the newest rows that the other conditions let through. */
const findAmongRecent: Find = async (db, { data, ...filter }, limit) => {
  const { where, params } = conditionsOf(filter);
  return await db.rows(
    statement<readonly unknown[], EventRow>(
      "events.list_by_recent_data",
      `SELECT ${eventColumns}
         FROM (SELECT * FROM telemetry_events e ${where} ${newestFirst} LIMIT ${recentRows}) e
        WHERE e.data @> $${params.length + 1}::jsonb
        ${newestFirst} LIMIT $${params.length + 2}`,
    ),
    [...params, data, limit],
  );
};

/** The statement's name is that of the index which its text is for. */
function listNameOf({ source, type, subject }: EventFilter): string {
  if (subject !== undefined) return "events.list_by_subject";
  if (source !== undefined) return "events.list_by_source";
  return type === undefined ? "events.list_recent" : "events.list_by_type";
}
