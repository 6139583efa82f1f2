import { type Db, type Statement, statement } from "@millrace/db";

interface PlanNode {
  readonly "Node Type": string;
  readonly "Plan Rows": number;
  readonly "Index Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

export interface Plan {
  readonly indexes: readonly string[];
  readonly nodeTypes: readonly string[];
  /** Rows the planner expects to have to sort. */
  readonly sortedRows: number;
}

/** What the planner chooses by itself for a statement with these values. Runs nothing. */
export async function planOf(db: Db, { text }: Statement<never, unknown>, params: readonly unknown[]): Promise<Plan> {
  const explain = statement<readonly unknown[], { "QUERY PLAN": readonly [{ Plan: PlanNode }] }>(
    "test.explain",
    `EXPLAIN (FORMAT JSON) ${text}`,
  );
  const [row] = await db.rows(explain, params);
  const nodes = row === undefined ? [] : [...nodesOf(row["QUERY PLAN"][0].Plan)];
  return {
    indexes: nodes.flatMap((node) => node["Index Name"] ?? []),
    nodeTypes: nodes.map((node) => node["Node Type"]),
    sortedRows: Math.max(
      0,
      ...nodes.filter((node) => node["Node Type"].includes("Sort")).map((node) => node["Plan Rows"]),
    ),
  };
}

function* nodesOf(node: PlanNode): Generator<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* nodesOf(child);
}
