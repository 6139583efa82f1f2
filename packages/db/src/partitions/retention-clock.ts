import type { Db } from "../db.ts";
import { statement } from "../statement.ts";

const readNow = statement<[], { now: Date }>("partitions.read_now", "SELECT clock_timestamp() AS now");

/**
 * The time that retention goes by: the earlier one of this process's clock and the database's, so that no single clock
 * that runs ahead has months taken out, or dropped, before their time.
 */
export async function retentionNow(db: Db, local: Date = new Date()): Promise<Date> {
  const [row] = await db.rows(readNow, []);
  return row !== undefined && row.now < local ? row.now : local;
}
