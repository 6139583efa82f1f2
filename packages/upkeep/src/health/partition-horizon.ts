import { addMonths, type Db, listPartitions, monthAt } from "@millrace/db";

/** For how many coming months there are partitions without a gap; -1 when this month has none. */
export async function partitionHorizon(db: Db, table: string, at: Date): Promise<number> {
  const attached = (await listPartitions(db, table)).filter(({ state }) => state === "attached");
  const months = new Set(attached.map(({ month }) => month));
  let ahead = -1;
  while (months.has(addMonths(monthAt(at), ahead + 1))) ahead += 1;
  return ahead;
}
