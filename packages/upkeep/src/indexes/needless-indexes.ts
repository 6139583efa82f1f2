import type { IndexFinding } from "./finding.ts";
import type { IndexFacts } from "./index-facts.ts";

export interface NeedlessOptions {
  /** For how long use was counted. */
  readonly statisticsAgeMs: number;
  /** An index is unused when it was not used for as long as this. Default: 14 days. */
  readonly minUnusedMs?: number;
  /** Smaller ones are not worth it. Default: 1 MiB. */
  readonly minUnusedBytes?: number;
  /** Default: 10 MiB. */
  readonly minBloatBytes?: number;
  /** How often indexes were used on standbys, by schema.index. */
  readonly replicaScans?: ReadonlyMap<string, number>;
  readonly now?: () => number;
}

const dayMs = 86_400_000;

/** Indexes that are broken, that others make needless, that nobody uses, or that are larger than they need be. */
export function findNeedless(indexes: readonly IndexFacts[], options: NeedlessOptions): IndexFinding[] {
  const settled = indexes.filter(({ isBeingBuilt }) => !isBeingBuilt);
  const invalid = settled.filter(({ isValid }) => !isValid).map(invalidFinding);
  const valid = settled.filter(({ isValid }) => isValid);
  const covered = valid.flatMap((index) => coveredFinding(index, valid) ?? []);
  const dropped = new Set(covered.map(({ index }) => index));
  const rest = valid.filter(({ indexSql }) => !dropped.has(indexSql));
  return [
    ...invalid,
    ...covered,
    ...rest.flatMap((index) => unusedFinding(index, options) ?? []),
    ...rest.flatMap((index) => bloatFinding(index, options) ?? []),
  ];
}

function invalidFinding(index: IndexFacts): IndexFinding {
  // What REINDEX CONCURRENTLY leaves behind is a copy of an index that is still there.
  const isLeftover = /_cc(new|old)\d*$/.test(index.name);
  // A unique one is mostly broken because there are duplicates, and would be so again.
  const isDropped = isLeftover || (index.isUnique && !index.isConstraint);
  return {
    ...commonOf("invalid", index),
    reason: isLeftover
      ? "A rebuild was interrupted and left a copy that is kept up to date and never read"
      : "It was not built to its end: it is kept up to date and never read",
    evidence: { definition: index.definition },
    confidence: "certain",
    statements: [isDropped ? dropOf(index) : `REINDEX INDEX CONCURRENTLY ${index.indexSql}`],
    undo: [],
  };
}

/** Of two that are the same, the one to keep is a constraint's, else the more used, else the first by name. */
function coveredFinding(index: IndexFacts, all: readonly IndexFacts[]): IndexFinding | undefined {
  if (index.isConstraint || index.isReplicaIdentity) return undefined;
  const peers = all.filter(
    (other) =>
      other.indexSql !== index.indexSql &&
      other.tableSql === index.tableSql &&
      other.method === index.method &&
      other.predicate === index.predicate,
  );
  const twin = peers.find((other) => isSame(index, other) && isKeptBefore(other, index));
  if (twin !== undefined) {
    return {
      ...commonOf("duplicate", index),
      reason: `${twin.indexSql} is the same`,
      evidence: { same_as: twin.indexSql, definition: index.definition, scans: index.scans },
      confidence: "certain",
      statements: [dropOf(index)],
      undo: [index.definition],
    };
  }
  if (index.isUnique || index.method !== "btree") return undefined;
  const longer = peers.find((other) => isPrefix(index, other));
  if (longer === undefined) return undefined;
  return {
    ...commonOf("redundant", index),
    reason: `${longer.indexSql} begins with the same keys and answers whatever it does`,
    evidence: { covered_by: longer.indexSql, definition: index.definition, scans: index.scans },
    confidence: "likely",
    statements: [dropOf(index)],
    undo: [index.definition],
  };
}

function isSame(one: IndexFacts, other: IndexFacts): boolean {
  // One that is unique does more than one that is not.
  if (one.isUnique && !other.isUnique) return false;
  return listsEqual(one.keys, other.keys) && listsEqual(one.included, other.included);
}

function isKeptBefore(other: IndexFacts, index: IndexFacts): boolean {
  const rank = ({ isConstraint, isUnique, scans }: IndexFacts): number[] => [
    Number(isConstraint),
    Number(isUnique),
    scans,
  ];
  const [otherRank, ownRank] = [rank(other), rank(index)];
  for (const [at, value] of otherRank.entries()) {
    const own = ownRank[at] ?? 0;
    if (value !== own) return value > own;
  }
  return other.name < index.name;
}

/** Whether `longer` has all of the keys of `index`, in order, and more; and carries what it carries. */
function isPrefix(index: IndexFacts, longer: IndexFacts): boolean {
  if (longer.keys.length <= index.keys.length) return false;
  const columns = [...longer.keys.map((key) => key.split(" ")[0] ?? ""), ...longer.included];
  return (
    listsEqual(index.keys, longer.keys.slice(0, index.keys.length)) &&
    index.included.every((column) => columns.includes(column))
  );
}

function unusedFinding(index: IndexFacts, options: NeedlessOptions): IndexFinding | undefined {
  const { statisticsAgeMs, minUnusedMs = 14 * dayMs, minUnusedBytes = 1_024 ** 2, now = Date.now } = options;
  const { isUnique, isConstraint, isReplicaIdentity, supportsForeignKey, lastScanAt, scans, bytes } = index;
  if (isUnique || isConstraint || isReplicaIdentity || supportsForeignKey || bytes < minUnusedBytes) return undefined;
  const onReplicas = options.replicaScans?.get(`${index.schema}.${index.name}`) ?? 0;
  if (onReplicas > 0) return undefined;
  // PostgreSQL 16 tells when an index was last used; before that it must never have been.
  const unusedMs = lastScanAt === null ? (scans > 0 ? 0 : statisticsAgeMs) : now() - lastScanAt.getTime();
  if (unusedMs < minUnusedMs || statisticsAgeMs < minUnusedMs) return undefined;
  return {
    ...commonOf("unused", index),
    reason: `Nobody used it for ${Math.floor(unusedMs / dayMs)} days, and each write keeps it up to date`,
    evidence: { scans, last_scan_at: lastScanAt, counted_days: Math.floor(statisticsAgeMs / dayMs) },
    // What runs once a quarter looks the same until it runs.
    confidence: "possible",
    statements: [dropOf(index)],
    undo: [index.definition],
  };
}

function bloatFinding(
  index: IndexFacts,
  { minBloatBytes = 10 * 1_024 ** 2 }: NeedlessOptions,
): IndexFinding | undefined {
  const { bytes, expectedBytes, indexSql } = index;
  if (expectedBytes === null || index.tableRows === 0) return undefined;
  const wasted = bytes - expectedBytes;
  if (wasted < minBloatBytes || wasted < bytes / 2) return undefined;
  return {
    ...commonOf("bloated", index),
    bytes: wasted,
    reason: "More than half of it is empty",
    evidence: { bytes, expected_bytes: expectedBytes },
    confidence: "likely",
    // Of a partitioned index PostgreSQL rebuilds one part after the other.
    statements: [`REINDEX INDEX CONCURRENTLY ${indexSql}`],
    undo: [],
  };
}

/** The index of a partitioned table cannot be dropped concurrently; it is done under a short lock, or not at all. */
function dropOf({ isPartitioned, indexSql }: IndexFacts): string {
  return isPartitioned ? `DROP INDEX ${indexSql}` : `DROP INDEX CONCURRENTLY ${indexSql}`;
}

function commonOf(kind: IndexFinding["kind"], { tableSql, indexSql, bytes }: IndexFacts) {
  return { id: `${kind}:${indexSql}`, kind, table: tableSql, index: indexSql, bytes };
}

function listsEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
