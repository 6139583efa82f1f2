import { literal } from "@millrace/db";
import type { IndexFinding } from "./finding.ts";
import { creationOf, dropOf, type PartitionTree, parseCreation } from "./index-ddl.ts";
import type { IndexFacts } from "./index-facts.ts";
import type { ReplicaUse } from "./replica-use.ts";

export interface NeedlessOptions {
  /** For how long use was counted. */
  readonly statisticsAgeMs: number;
  readonly tree: PartitionTree;
  /** An index is unused when it was not used for as long as this. Default: 14 days. */
  readonly minUnusedMs?: number;
  /** Smaller ones are not worth it. Default: 1 MiB. */
  readonly minUnusedBytes?: number;
  /** Default: 10 MiB. */
  readonly minBloatBytes?: number;
  readonly onReplicas?: ReplicaUse;
  readonly now?: () => number;
}

const dayMs = 86_400_000;

/** Indexes that are broken, that others make needless, that nobody uses, or that are larger than they need be. */
export function findNeedless(indexes: readonly IndexFacts[], options: NeedlessOptions): IndexFinding[] {
  const { tree } = options;
  const settled = indexes.filter(({ isBeingBuilt }) => !isBeingBuilt);
  const valid = settled.filter(({ isValid }) => isValid);
  const covered = valid.flatMap((index) => coveredFinding(index, valid, tree) ?? []);
  const dropped = new Set(covered.map(({ index }) => index));
  // They do the work of those that go.
  const keepers = new Set(covered.map(({ evidence }) => evidence["same_as"] ?? evidence["covered_by"]));
  const rest = valid.filter(({ indexSql }) => !dropped.has(indexSql));
  return [
    ...settled.filter(({ isValid }) => !isValid).map((index) => invalidFinding(index, tree)),
    ...covered,
    ...rest.flatMap((index) => (keepers.has(index.indexSql) ? [] : (unusedFinding(index, options) ?? []))),
    ...rest.flatMap((index) => bloatFinding(index, options) ?? []),
  ];
}

function invalidFinding(index: IndexFacts, tree: PartitionTree): IndexFinding {
  // What REINDEX CONCURRENTLY leaves behind is a copy of an index that is still there.
  const isLeftover = /_cc(new|old)\d*$/.test(index.name);
  const isPartitioned = tree.has(index.tableSql);
  // A unique one is mostly broken because there are duplicates, and would be so again.
  const isDropped = isLeftover || (index.isUnique && !index.isConstraint && !isPartitioned);
  const mending = isPartitioned ? creationTexts(index, tree) : [`REINDEX INDEX CONCURRENTLY ${index.indexSql}`];
  return {
    ...commonOf("invalid", index),
    reason: isLeftover
      ? "A rebuild was interrupted and left a copy that is kept up to date and never read"
      : isPartitioned
        ? "Not all parts of the table have theirs: it is never read as a whole"
        : "It was not built to its end: it is kept up to date and never read",
    evidence: { definition: index.definition },
    confidence: "certain",
    statements: isDropped ? dropTexts(index, tree).statements : mending,
    undo: [],
  };
}

/**
 * Of two that are the same, the one to keep is a constraint's, else the more used, else the first by name. An index of a
 * partition alone is also held against those that its partitioned table has.
 */
function coveredFinding(index: IndexFacts, all: readonly IndexFacts[], tree: PartitionTree): IndexFinding | undefined {
  if (index.isConstraint || index.isReplicaIdentity) return undefined;
  const peers = all.filter(
    (other) =>
      other.indexSql !== index.indexSql &&
      (other.tableSql === index.tableSql || index.ancestors.includes(other.tableSql)) &&
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
      ...dropTexts(index, tree),
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
    ...dropTexts(index, tree),
  };
}

function isSame(one: IndexFacts, other: IndexFacts): boolean {
  // What keeps rows unique is as good only if it does so in the same way and at least as early.
  if (one.isUnique && (!other.isUnique || one.areNullsSame !== other.areNullsSame)) return false;
  if (one.isUnique && other.isDeferrable && !one.isDeferrable) return false;
  return listsEqual(one.keys, other.keys) && listsEqual(one.columns, other.columns);
}

function isKeptBefore(other: IndexFacts, index: IndexFacts): boolean {
  // That of the partitioned table stays, since each part must have it.
  const rank = ({ tableSql, isConstraint, isUnique, scans }: IndexFacts): number[] => [
    Number(index.ancestors.includes(tableSql)),
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
  return (
    longer.keys.length > index.keys.length &&
    listsEqual(index.keys, longer.keys.slice(0, index.keys.length)) &&
    index.columns.every((column) => longer.columns.includes(column))
  );
}

function unusedFinding(index: IndexFacts, options: NeedlessOptions): IndexFinding | undefined {
  const { minUnusedMs = 14 * dayMs, minUnusedBytes = 1_024 ** 2, now = Date.now, onReplicas } = options;
  const { isUnique, isConstraint, isReplicaIdentity, supportsForeignKey, lastScanAt, scans, bytes } = index;
  if (isUnique || isConstraint || isReplicaIdentity || supportsForeignKey || bytes < minUnusedBytes) return undefined;
  const scansOnReplicas = onReplicas?.scans.get(`${index.schema}.${index.name}`) ?? 0;
  if (scansOnReplicas > 0 || index.seenSince === null) return undefined;
  const countedMs = Math.min(
    options.statisticsAgeMs,
    onReplicas?.countedMs ?? Number.MAX_VALUE,
    now() - index.seenSince.getTime(),
  );
  // PostgreSQL 16 tells when an index was last used; before that it must never have been.
  const unusedMs = lastScanAt === null ? (scans > 0 ? 0 : countedMs) : now() - lastScanAt.getTime();
  if (Math.min(unusedMs, countedMs) < minUnusedMs) return undefined;
  return {
    ...commonOf("unused", index),
    reason: `Nobody used it for ${Math.floor(unusedMs / dayMs)} days, and each write keeps it up to date`,
    evidence: { scans, last_scan_at: lastScanAt, counted_days: Math.floor(countedMs / dayMs) },
    // What runs once a quarter looks the same until it runs.
    confidence: "possible",
    ...dropTexts(index, options.tree),
  };
}

function bloatFinding(
  index: IndexFacts,
  { minBloatBytes = 10 * 1_024 ** 2 }: NeedlessOptions,
): IndexFinding | undefined {
  const { bytes, expectedBytes, indexSql } = index;
  if (expectedBytes === null) return undefined;
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

function dropTexts(index: IndexFacts, tree: PartitionTree): Pick<IndexFinding, "statements" | "undo"> {
  const comment = index.comment === null ? [] : [`COMMENT ON INDEX ${index.indexSql} IS ${literal(index.comment)}`];
  return {
    statements: [dropOf(tree, { table: index.tableSql, index: index.name })],
    undo: [...creationTexts(index, tree), ...comment],
  };
}

/** As PostgreSQL writes it, but so that others can write meanwhile. */
function creationTexts({ definition, tableSql }: IndexFacts, tree: PartitionTree): string[] {
  const creation = parseCreation(definition);
  return creation === undefined ? [definition] : creationOf(tree, { ...creation, table: tableSql });
}

function commonOf(kind: IndexFinding["kind"], { tableSql, indexSql, bytes }: IndexFacts) {
  return { id: `${kind}:${indexSql}`, kind, table: tableSql, index: indexSql, bytes };
}

function listsEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
