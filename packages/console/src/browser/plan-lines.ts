import type { PlanNode } from "./replies.ts";

/** A plan as EXPLAIN writes it for people: a line for each step, indented below the one that it feeds. */
export function planLines(node: PlanNode, depth = 0): string[] {
  const indent = depth === 0 ? "" : `${"   ".repeat(depth - 1)}└─ `;
  const text = (name: string): string | undefined => {
    const value = node[name];
    return typeof value === "string" ? value : undefined;
  };
  const relation = text("Relation Name");
  const index = text("Index Name");
  const condition = text("Index Cond") ?? text("Hash Cond") ?? text("Merge Cond") ?? text("Filter");
  const parts = [
    [text("Join Type"), node["Node Type"]].filter(Boolean).join(" "),
    relation && `on ${relation}`,
    index && `by ${index}`,
    `(cost ${Number(node["Total Cost"] ?? 0).toFixed(0)}, ${Number(node["Plan Rows"] ?? 0).toLocaleString("en")} rows)`,
    condition && `where ${condition}`,
  ];
  return [
    indent + parts.filter(Boolean).join(" "),
    ...(node.Plans ?? []).flatMap((child) => planLines(child, depth + 1)),
  ];
}
