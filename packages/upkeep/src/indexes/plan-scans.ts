/** A node of a plan of `EXPLAIN (FORMAT JSON, VERBOSE)`, as far as candidates need it. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Schema?: string;
  readonly Filter?: string;
  readonly "Plan Rows"?: number;
  readonly "Total Cost"?: number;
  readonly "Sort Key"?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/** A table that is read from end to end to keep few of its rows, or to give the first few in an order. */
export interface PlanScan {
  readonly node: PlanNode;
  /** What its rows are sorted by, when only the first of them are wanted. */
  readonly sortKeys: readonly string[];
  /** How many are wanted. */
  readonly wanted: number | undefined;
}

/** Nodes that hand on the rows below them, in the order that they want them in. */
const passing = new Set([
  "Limit",
  "Sort",
  "Incremental Sort",
  "Gather",
  "Gather Merge",
  "Append",
  "Merge Append",
  "Result",
]);

export function scansIn(
  node: PlanNode,
  above: Omit<PlanScan, "node"> = { sortKeys: [], wanted: undefined },
): PlanScan[] {
  const type = node["Node Type"];
  if (type === "Seq Scan") return node.Filter === undefined && above.sortKeys.length === 0 ? [] : [{ node, ...above }];
  const { wanted, sortKeys } = passing.has(type) ? above : { wanted: undefined, sortKeys: [] };
  const below = {
    wanted: type === "Limit" ? node["Plan Rows"] : wanted,
    sortKeys: type === "Sort" && wanted !== undefined ? (node["Sort Key"] ?? []) : sortKeys,
  };
  return (node.Plans ?? []).flatMap((plan) => scansIn(plan, below));
}

const name = String.raw`(?:"(?:[^"]|"")+"|\w+)`;

/**
 * The columns that an index for a scan would have: those of its filter, and those that it is sorted by behind the ones
 * that are compared for equality. At most three: more are rarely worth their bytes.
 */
export function columnsFor({ node, sortKeys }: PlanScan, known: ReadonlySet<string>): string[] {
  const { equal, ordered } = comparisonsIn(node.Filter ?? "", known);
  const sorted = sortColumns(sortKeys, known);
  // Rows of one range come in its order and in no other.
  const isSorted = sorted.length > 0 && (ordered.length === 0 || ordered[0] === sorted[0]);
  const behind = isSorted ? sorted.filter((column) => !equal.includes(column)) : ordered.slice(0, 1);
  return [...equal, ...behind].slice(0, 3);
}

/** The columns of `users.age DESC, users.id DESC`; none when an index on plain columns has no such order. */
function sortColumns(keys: readonly string[], known: ReadonlySet<string>): string[] {
  const form = new RegExp(`^(?:${name}\\.)?(${name})( DESC)?$`);
  const read = keys.map((key) => form.exec(key));
  const columns = read.flatMap((key) => (key?.[1] === undefined ? [] : bare(key[1])));
  const isPlain = columns.length === keys.length && columns.every((column) => known.has(column));
  return isPlain && new Set(read.map((key) => key?.[2])).size === 1 ? columns : [];
}

/**
 * The columns of a filter as EXPLAIN writes it, such as `((users.name = $1) AND (users.age > 7))`: those compared for
 * equality, and those by order. Parts that are joined by OR, or negated, are of no use to one index.
 */
function comparisonsIn(filter: string, known: ReadonlySet<string>): { equal: string[]; ordered: string[] } {
  if (/ OR |\bNOT\b/.test(filter)) return { equal: [], ordered: [] };
  const column = String.raw`\(?(?:${name}\.)?(${name})\)?(?:::[\w ]+(?:\(\d+\))?)?`;
  const names = (operators: string): string[] =>
    [...filter.matchAll(new RegExp(`(?<!\\w)\\(${column} (?:${operators}) `, "g"))]
      .map(([, found = ""]) => bare(found))
      .filter((found) => known.has(found));
  const equal = [...new Set(names("="))];
  return { equal, ordered: names("<|>|<=|>=").filter((found) => !equal.includes(found)) };
}

function bare(quoted: string): string {
  return quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
}
