import { type Db, isDataError, isPartitionMissing, type Month, sqlState, sqlStateOf } from "@millrace/db";
import { fieldsOf, linesOf, monthOf } from "@millrace/events";
import type { PartitionKeeper } from "../partitions/partition-keeper.ts";
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

  /**
   * Halves the lines until what PostgreSQL refuses stands alone; that becomes a dead letter. The good
   * neighbours are committed on the way.
   */
  async function isolate(lines: readonly string[]): Promise<StoredCounts> {
    try {
      const inserted = await insert(lines);
      return { inserted, quarantined: 0, deadLettered: 0 };
    } catch (error) {
      if (!isDataError(error)) throw error;
      const [line] = lines;
      if (lines.length === 1 && line !== undefined) {
        await tables.addDeadLetter(db, line, error);
        return { inserted: 0, quarantined: 0, deadLettered: 1 };
      }
      const middle = lines.length >> 1;
      return sumOf(await isolate(lines.slice(0, middle)), await isolate(lines.slice(middle)));
    }
  }

  async function store(rows: readonly string[]): Promise<StoredCounts> {
    if (rows.length === 0) return none;
    try {
      return { ...none, inserted: await insert(rows) };
    } catch (error) {
      if (!isDataError(error)) throw error;
      return await isolate(rows.flatMap(linesOf));
    }
  }

  async function storeOrQuarantine(batch: readonly EventRows[]): Promise<StoredCounts> {
    const refused = await partitions.ensure(new Set(batch.flatMap((job) => job.months)));
    if (refused.size === 0) return await store(batch.map((job) => job.rows));

    const lines = batch.flatMap((job) => linesOf(job.rows));
    const byRefusal = Map.groupBy(lines, (line) => refused.get(monthOfLine(line)));
    let quarantined = 0;
    for (const [reason, refusedLines] of byRefusal) {
      if (reason !== undefined) quarantined += await tables.quarantine(db, buffersOf(refusedLines), reason);
    }
    return sumOf(await store(byRefusal.get(undefined) ?? []), { ...none, quarantined });
  }

  return async function storeEvents(batch: readonly EventRows[]): Promise<StoredCounts> {
    try {
      return await storeOrQuarantine(batch);
    } catch (error) {
      if (!isPartitionMissing(error)) throw error;
      // A partition was detached since this process last looked.
      partitions.forget();
      return await storeOrQuarantine(batch);
    }
  };
}

const none: StoredCounts = { inserted: 0, quarantined: 0, deadLettered: 0 };

function sumOf(a: StoredCounts, b: StoredCounts): StoredCounts {
  return {
    inserted: a.inserted + b.inserted,
    quarantined: a.quarantined + b.quarantined,
    deadLettered: a.deadLettered + b.deadLettered,
  };
}

function monthOfLine(line: string): Month {
  return monthOf(fieldsOf(line)[4] ?? "");
}

function buffersOf(rows: readonly string[]): Buffer[] {
  return rows.map((text) => Buffer.from(text));
}
