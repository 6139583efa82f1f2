import { hash } from "node:crypto";

/** A node of `EXPLAIN (FORMAT JSON)`, as far as it is looked at. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Join Type"?: string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Parent Relationship"?: string;
  readonly "Subplans Removed"?: number;
  readonly Plans?: readonly PlanNode[];
}

/**
 * What kind of plan it is: the same for whatever rows, costs and partitions there are. Partitions are folded into
 * their table, or each midnight of a new month would look like a change.
 */
export function planFingerprint(plan: PlanNode): string {
  return hash("sha256", shapeOf(plan), "hex").slice(0, 16);
}

function shapeOf(node: PlanNode): string {
  const shapes = (node.Plans ?? []).map(shapeOf);
  const isOverPartitions = node["Node Type"] === "Append" || node["Node Type"] === "Merge Append";
  const children = isOverPartitions ? [...new Set(shapes)].sort() : shapes;
  // What an Append over one partition does is what its child does.
  if (isOverPartitions && children.length === 1) return children[0] ?? "";
  const parts = [
    node["Node Type"],
    node["Join Type"],
    foldedName(node["Relation Name"]),
    foldedName(node["Index Name"]),
    node["Parent Relationship"] === "Member" ? undefined : node["Parent Relationship"],
  ];
  return `${parts.filter((part) => part !== undefined).join(" ")}(${children.join(",")})`;
}

function foldedName(name: string | undefined): string | undefined {
  return name?.replace(/_y\d{4}m\d{2}/, "");
}
