import type { Postgres } from "@millrace/db";
import type { JobPayload } from "@millrace/jobs";
import { findIndexProblems, noteIndexes, type Run, refreshStatistics, runAction } from "@millrace/upkeep";

/** Gives the planner statistics that fit, and counts by kind what there is to be said of the indexes; GET /database/indexes tells what it is. */
export function analyseIndexes({ db }: { readonly db: Postgres }) {
  return async (run: Run): Promise<void> => {
    const refreshed = await refreshStatistics(db, () => run.giveWay());
    if (refreshed.length > 0) run.changed("statistics_refreshed", refreshed.length);
    await noteIndexes(db);
    for (const { kind } of await findIndexProblems(db)) run.changed(kind);
  };
}

/** Changes what an operator decided on. One at a time, and each only while ingest does not need the database. */
export function changeIndexes({ db }: { readonly db: Postgres }) {
  return async (run: Run, { actions, direction }: JobPayload<"changeIndexes">): Promise<void> => {
    for (const id of actions) {
      await run.giveWay();
      run.changed(await runAction(db, id, direction, { signal: run.signal }));
    }
  };
}
