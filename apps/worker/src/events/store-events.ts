import { type Db, isDataError, isPartitionMissing, type Month, monthAt, sqlState, sqlStateOf } from "@millrace/db";
import { fieldsOf, linesOf, monthOf } from "@millrace/events";
import type { MonthRefusal, PartitionKeeper } from "../partitions/partition-keeper.ts";
import { type EventTables, telemetryTables } from "./event-tables.ts";

/** Rows of one job: lines in COPY's text format and the months of their times. */
export interface EventRows {
  readonly rows: string;
  readonly months: readonly Month[];
}

/** What became of a batch's rows. Rows that were already there are in none of these. */
export interface StoredCounts {
  readonly inserted: number;
  readonly quarantined: number;
  readonly deadLettered: number;
}

export interface StoreEventsNeeds {
  readonly db: Db;
  readonly partitions: PartitionKeeper;
  readonly tables?: EventTables;
}

/** After duplicates were seen, this many batches without any make the direct way worth trying again. */
const cleanBatchesBeforeDirect = 8;

/** How often partitions are looked at for one batch; then the queue tries it again. */
const maxLooks = 3;

/**
 * Puts rows into `telemetry_events`, each exactly once however often it is called with them. Rejects
 * only for faults that pass (a lost connection, a lock, a full disk); rows that PostgreSQL itself
 * refuses become dead letters, and rows of months that get no partition go to quarantine.
 *
 * Duplicates are rare, so the rows are first copied straight into the table. A duplicate fails that
 * COPY as a whole; the batch then goes through a staging table that skips rows which are already
 * there, and so do the next batches until duplicates have stopped.
 */
export function createEventStore({ db, partitions, tables = telemetryTables }: StoreEventsNeeds) {
  let cleanBatches = cleanBatchesBeforeDirect;

  async function insert(rows: readonly string[]): Promise<number> {
    if (cleanBatches >= cleanBatchesBeforeDirect) {
      try {
        return await db.copyIn(tables.copyDirect, buffersOf(rows));
      } catch (error) {
        if (sqlStateOf(error) !== sqlState.uniqueViolation && sqlStateOf(error) !== sqlState.deadlockDetected)
          throw error;
        cleanBatches = 0;
      }
    }
    const { staged, inserted } = await tables.insertStaged(db, buffersOf(rows));
    cleanBatches = staged === inserted ? cleanBatches + 1 : 0;
    return inserted;
  }

  const insertRows: Put = async (rows) => ({ ...none, inserted: await insert(rows) });
  const putAside =
    (reason: MonthRefusal): Put =>
    async (rows) => ({ ...none, quarantined: await tables.quarantine(db, buffersOf(rows), reason) });

  /**
   * Halves the lines until what PostgreSQL refuses stands alone; that becomes a dead letter. The good
   * neighbours are committed on the way.
   */
  async function isolate(lines: readonly string[], put: Put): Promise<StoredCounts> {
    try {
      return await put(lines);
    } catch (error) {
      if (!isDataError(error)) throw error;
      const [line] = lines;
      if (lines.length === 1 && line !== undefined) {
        await tables.addDeadLetter(db, line, error);
        return { ...none, deadLettered: 1 };
      }
      const middle = lines.length >> 1;
      return sumOf(await isolate(lines.slice(0, middle), put), await isolate(lines.slice(middle), put));
    }
  }

  async function store(rows: readonly string[], put: Put): Promise<StoredCounts> {
    if (rows.length === 0) return none;
    try {
      return await put(rows);
    } catch (error) {
      if (!isDataError(error)) throw error;
      return await isolate(rows.flatMap(linesOf), put);
    }
  }

  async function storeOrQuarantine(rows: readonly string[], months: Iterable<Month>): Promise<StoredCounts> {
    const refused = await partitions.ensure(new Set(months));
    if (refused.size === 0) return await store(rows, insertRows);

    let counts = none;
    for (const [reason, lines] of Map.groupBy(rows.flatMap(linesOf), (line) => refused.get(monthOfLine(line)))) {
      counts = sumOf(counts, await store(lines, reason === undefined ? insertRows : putAside(reason)));
    }
    return counts;
  }

  return async function storeEvents(batch: readonly EventRows[]): Promise<StoredCounts> {
    const rows = batch.map((job) => job.rows);
    let months = batch.flatMap((job) => job.months);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await storeOrQuarantine(rows, months);
      } catch (error) {
        if (!isPartitionMissing(error) || attempt >= maxLooks) throw error;
        // A partition was detached or dropped since this process last looked, or a job does not name all its months.
        partitions.forget();
        months = rows.flatMap(linesOf).map(monthOfLine);
      }
    }
  };
}

type Put = (rows: readonly string[]) => Promise<StoredCounts>;

const none: StoredCounts = { inserted: 0, quarantined: 0, deadLettered: 0 };

function sumOf(a: StoredCounts, b: StoredCounts): StoredCounts {
  return {
    inserted: a.inserted + b.inserted,
    quarantined: a.quarantined + b.quarantined,
    deadLettered: a.deadLettered + b.deadLettered,
  };
}

/** A time that the API did not write may have an offset, or a year that is no part of a month's name. */
function monthOfLine(line: string): Month {
  const time = fieldsOf(line)[4] ?? "";
  if (/^\d{4}-\d{2}-.*Z$/.test(time)) return monthOf(time);
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? monthOf(time) : monthAt(date);
}

function buffersOf(rows: readonly string[]): Buffer[] {
  return rows.map((text) => Buffer.from(text));
}
