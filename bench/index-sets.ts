import { type Db, statement } from "@millrace/db";

export const indexSets = ["all", "core"] as const;
export type IndexSet = (typeof indexSets)[number];

/** Leaves the primary key, two B-trees and a BRIN. */
const core = [
  "DROP INDEX telemetry_events_by_data",
  "DROP INDEX telemetry_events_by_subject",
  "DROP INDEX telemetry_events_by_time",
  "CREATE INDEX telemetry_events_brin ON telemetry_events USING brin (time)",
];

/** Gives the telemetry table all of its indexes, as it has them, or the few of a smaller schema. */
export async function useIndexes(db: Db, set: IndexSet): Promise<void> {
  if (set === "all") return;
  for (const text of core) await db.run(statement<[], never>("bench.use_indexes", text), []);
}
