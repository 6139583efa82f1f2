import type { Db } from "../db.ts";
import { sqlState, sqlStateOf } from "../errors.ts";
import { identifier, literal } from "../identifier.ts";
import { statement } from "../statement.ts";

/** A calendar month in UTC, written `YYYY-MM`; months compare as their text does. */
export type Month = string;

/** The month that `time` falls into. */
export function monthAt(time: Date): Month {
  return time.toISOString().slice(0, 7);
}

/** The month `count` months after (or, below zero, before) `month`. */
export function addMonths(month: Month, count: number): Month {
  const { year, index } = partsOf(month);
  const months = year * 12 + index + count;
  return `${String(Math.floor(months / 12)).padStart(4, "0")}-${String((months % 12) + 1).padStart(2, "0")}`;
}

/** The name of a table's partition: `telemetry_events` in `2026-11` has `telemetry_events_y2026m11`. */
export function partitionNameOf(table: string, month: Month): string {
  return `${table}_y${month.slice(0, 4)}m${month.slice(5, 7)}`;
}

/** A table with the partition's name exists and is not attached: somebody took that month out of the parent. */
export class PartitionDetachedError extends Error {
  constructor(partition: string, options?: ErrorOptions) {
    super(
      `A table named ${partition} exists and is not attached to its parent; attach it, rename it or drop it`,
      options,
    );
    this.name = "PartitionDetachedError";
  }
}

const listed = statement<[table: string], { name: string }>(
  "partitions.list",
  `SELECT child.relname AS name
     FROM pg_inherits
     JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = to_regclass($1) AND NOT inhdetachpending`,
);

/** The months for which `table` has an attached partition of ours. The catalogue is the only truth. */
export async function partitionMonths(db: Pick<Db, "rows">, table: string): Promise<Set<Month>> {
  const rows = await db.rows(listed, [identifier(table)]);
  const months = rows.flatMap(({ name }) => {
    const match = /_y(\d{4})m(\d{2})$/.exec(name);
    return match !== null && name.startsWith(`${table}_y`) ? [`${match[1]}-${match[2]}`] : [];
  });
  return new Set(months);
}

const lock = statement<[key: string], { locked: string }>(
  "partitions.lock",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text AS locked",
);

/**
 * Makes the partition of `month` and attaches it; does nothing if it is there. Built aside and then
 * attached, it asks for SHARE UPDATE EXCLUSIVE on the parent, which neither readers nor writers wait
 * for. Gives up on locks after `lockTimeoutMs` with SQLSTATE 55P03: the caller tries again. Throws a
 * `PartitionDetachedError` when the month was taken out of the table and must not come back by itself.
 */
export async function createMonthlyPartition(
  db: Db,
  table: string,
  month: Month,
  lockTimeoutMs = 1_000,
): Promise<void> {
  try {
    await db.transaction(async (tx) => {
      await tx.run(command("set_lock_timeout", `SET LOCAL lock_timeout = ${Math.ceil(lockTimeoutMs)}`), []);
      await tx.rows(lock, [`millrace:partitions:${table}`]);
      if ((await partitionMonths(tx, table)).has(month)) return;
      await createMonthTable(tx, table, month);
      await attachMonth(tx, table, month);
    });
  } catch (error) {
    if (sqlStateOf(error) !== sqlState.duplicateTable) throw error;
    throw new PartitionDetachedError(partitionNameOf(table, month), { cause: error });
  }
}

/** The columns of a table whose large values would be compressed by pglz, where the server has lz4. */
const toCompressFaster = statement<[table: string], { column: string }>(
  "partitions.list_columns_to_compress",
  `SELECT attname AS column
     FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
      AND atttypid = 'jsonb'::regtype AND attcompression <> 'l'
      AND EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))`,
);

function command(name: string, text: string) {
  return statement<[], never>(`partitions.${name}`, text);
}

/** Makes the table of a month, by itself yet. What is noted of one that had its name before is not about this one. */
export async function createMonthTable(tx: Db, table: string, month: Month): Promise<void> {
  const name = partitionNameOf(table, month);
  const partition = identifier(name);
  await tx.run(command("create", `CREATE TABLE ${partition} (LIKE ${identifier(table)} INCLUDING ALL)`), []);
  for (const { column } of await tx.rows(toCompressFaster, [partition])) {
    const text = `ALTER TABLE ${partition} ALTER COLUMN ${identifier(column)} SET COMPRESSION lz4`;
    await tx.run(command("set_compression", text), []);
  }
  await tx.run(forget, [table, name]);
}

const forget = statement<[parent: string, partition: string], never>(
  "partitions.forget_state",
  "DELETE FROM partition_states WHERE parent = $1 AND partition = $2",
);

/** Makes the table of a month, which must be there, a partition. SHARE UPDATE EXCLUSIVE on the parent. */
export async function attachMonth(tx: Db, table: string, month: Month): Promise<void> {
  const from = literal(`${month}-01 00:00:00+00`);
  const to = literal(`${addMonths(month, 1)}-01 00:00:00+00`);
  const partition = identifier(partitionNameOf(table, month));
  const text = `ALTER TABLE ${identifier(table)} ATTACH PARTITION ${partition} FOR VALUES FROM (${from}) TO (${to})`;
  await tx.run(command("attach", text), []);
}

function partsOf(month: Month): { year: number; index: number } {
  return { year: Number(month.slice(0, 4)), index: Number(month.slice(5, 7)) - 1 };
}
