import type { Run } from "@millrace/upkeep";

/** Small enough that no batch holds locks for longer than a request may wait. */
export const batchRows = 1_000;

/** Does a batch after the other, giving way in between, until one is not full. Counts what they did under `what`. */
export async function inBatches(run: Run, what: string, batch: (limit: number) => Promise<number>): Promise<void> {
  for (;;) {
    await run.giveWay();
    const rows = await batch(batchRows);
    if (rows > 0) run.changed(what, rows);
    if (rows < batchRows) return;
  }
}
