import type { Db } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { readIndexFacts, statisticsAgeMs } from "./index-facts.ts";
import { findMissing } from "./missing-indexes.ts";
import { findNeedless, type NeedlessOptions } from "./needless-indexes.ts";
import { findMissingForWorkload } from "./workload.ts";

export interface IndexProblemsOptions extends Omit<NeedlessOptions, "statisticsAgeMs"> {
  /** The workload is what ran since then. Default: six hours ago. */
  readonly workloadSince?: Date;
}

/** All that is to be said of the indexes of a database, the surest first. Reads catalogues and statistics only. */
export async function findIndexProblems(db: Db, options: IndexProblemsOptions = {}): Promise<IndexFinding[]> {
  const { workloadSince = new Date(Date.now() - 6 * 3_600_000) } = options;
  const needless = findNeedless(await readIndexFacts(db), { ...options, statisticsAgeMs: await statisticsAgeMs(db) });
  const missing = await findMissing(db);
  const forWorkload = await findMissingForWorkload(db, workloadSince);
  const order = ["certain", "likely", "possible"];
  return [...needless, ...missing, ...forWorkload].sort(
    (one, other) => order.indexOf(one.confidence) - order.indexOf(other.confidence),
  );
}
