import type { Db } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { readPartitionTree } from "./index-ddl.ts";
import { readIndexFacts, statisticsAgeMs } from "./index-facts.ts";
import { findDisappointments } from "./judge-actions.ts";
import { findMissing } from "./missing-indexes.ts";
import { findNeedless, type NeedlessOptions } from "./needless-indexes.ts";
import { findMissingForWorkload } from "./workload.ts";

export interface IndexProblemsOptions extends Omit<NeedlessOptions, "statisticsAgeMs" | "tree"> {
  /** The workload is what ran since then. Default: six hours ago. */
  readonly workloadSince?: Date;
}

/** All that is to be said of the indexes of a database, the surest first. Reads catalogues and statistics only. */
export async function findIndexProblems(db: Db, options: IndexProblemsOptions = {}): Promise<IndexFinding[]> {
  const { workloadSince = new Date(Date.now() - 6 * 3_600_000) } = options;
  const tree = await readPartitionTree(db);
  const facts = await readIndexFacts(db);
  const needless = findNeedless(facts, { ...options, tree, statisticsAgeMs: await statisticsAgeMs(db) });
  const missing = await findMissing(db, tree);
  const forWorkload = await findMissingForWorkload(db, tree, workloadSince);
  const { found: unhelpful, tried } = await findDisappointments(db);
  const order = ["certain", "likely", "possible"];
  return [...needless, ...unhelpful, ...missing, ...forWorkload.filter(({ id }) => !tried.has(id))].sort(
    (one, other) => order.indexOf(one.confidence) - order.indexOf(other.confidence),
  );
}
