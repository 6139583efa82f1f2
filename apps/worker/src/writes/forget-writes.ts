import type { Db } from "@millrace/db";
import { writeStatements } from "@millrace/domain";
import type { JobHandler } from "@millrace/jobs";

const batchRows = 5_000;
const maxBatches = 200;

/** Deletes what was finished longer ago than `keepMs`, some at a time; what is left is for the next run. */
export function forgetWrites({ db, keepMs }: { db: Db; keepMs: number }): JobHandler<"forgetWrites"> {
  return async () => {
    const before = new Date(Date.now() - keepMs);
    for (let batch = 0; batch < maxBatches; batch += 1) {
      const deleted = await db.run(writeStatements.deleteFinished, [before, batchRows]);
      if (deleted < batchRows) return;
    }
  };
}
