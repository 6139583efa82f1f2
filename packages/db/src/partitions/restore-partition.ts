import type { Postgres } from "../connect.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";
import { ExportDamagedError, readExport } from "./export-partition.ts";
import { attachMonth, createMonthTable, type Month } from "./monthly.ts";
import { monthOf } from "./partition-list.ts";

/** A month that is to be restored is in the table already. */
export class PartitionPresentError extends Error {
  constructor(partition: string) {
    super(`There is a table ${partition} already; what is in it would be mixed with what is restored`);
    this.name = "PartitionPresentError";
  }
}

/**
 * Brings an exported partition back into its table. All in one transaction but for the lock on the table, which is
 * taken at the end: reads and writes go on. Rejects with an `ExportDamagedError` or a `PartitionPresentError`.
 */
export async function restorePartition(
  db: Postgres,
  file: string,
  onProgress: (rows: number) => void = () => {},
): Promise<{ readonly month: Month; readonly rows: number }> {
  const { manifest, batches } = await readExport(file);
  const { table, partition } = manifest;
  const month = monthOf(table, partition);
  if (month === undefined) throw new ExportDamagedError(file, `is of ${partition}, which is no month of ${table}`);
  const name = identifier(partition);
  const command = (verb: string, text: string) => statement<[], never>(`partitions.${verb}`, text);
  const exists = statement<[name: string], { found: boolean }>(
    "partitions.exists",
    "SELECT to_regclass($1) IS NOT NULL AS found",
  );
  const insert = statement<[rows: string], never>(
    "partitions.restore_rows",
    `INSERT INTO ${name} SELECT * FROM jsonb_populate_recordset(NULL::${name}, $1::jsonb)`,
  );
  let rows = 0;
  await db.transaction(async (tx) => {
    const [{ found } = { found: false }] = await tx.rows(exists, [name]);
    if (found) throw new PartitionPresentError(partition);
    await tx.run(command("set_timeouts", "SET LOCAL statement_timeout = 0"), []);
    await createMonthTable(tx, table, month);
    for await (const batch of batches) {
      rows += await tx.run(insert, [`[${batch.join(",")}]`]);
      onProgress(rows);
    }
    if (rows !== manifest.rows) throw new ExportDamagedError(file, `has ${rows} rows instead of ${manifest.rows}`);
    await attachMonth(tx, table, month);
  });
  return { month, rows };
}
