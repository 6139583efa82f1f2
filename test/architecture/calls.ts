import { type CallExpression, type Expression, type Program, Visitor } from "oxc-parser";
import type { SourceFile } from "./source-tree.ts";

/** The calls of a function that names something of ours: by its first argument, or by that object's `name`. */
export function callsIn(file: SourceFile, callee: string): { readonly name: string | undefined }[] {
  const found: { readonly name: string | undefined }[] = [];
  new Visitor({
    CallExpression(call) {
      if (calleeOf(call) === callee) found.push({ name: nameOf(call) });
    },
  }).visit(file.program);
  return found;
}

/** How often `process.env` occurs, and how often as the whole argument of the function that checks it. */
export function environmentReads(program: Program): { readonly reads: number; readonly handedOver: number } {
  let reads = 0;
  let handedOver = 0;
  new Visitor({
    MemberExpression(node) {
      if (isEnvironment(node)) reads += 1;
    },
    CallExpression(call) {
      if (!/^(load\w*Config|configure)$/.test(calleeOf(call) ?? "")) return;
      const values = call.arguments.flatMap((argument) =>
        argument.type === "ObjectExpression"
          ? argument.properties.flatMap((property) => (property.type === "Property" ? [property.value] : []))
          : [argument],
      );
      handedOver += values.filter(isEnvironment).length;
    },
  }).visit(program);
  return { reads, handedOver };
}

function calleeOf({ callee }: CallExpression): string | undefined {
  return callee.type === "Identifier" ? callee.name : undefined;
}

function nameOf(call: CallExpression): string | undefined {
  const [first] = call.arguments;
  if (first?.type === "Literal") return String(first.value);
  if (first?.type !== "ObjectExpression") return undefined;
  for (const property of first.properties) {
    if (property.type !== "Property" || property.key.type !== "Identifier" || property.key.name !== "name") continue;
    return property.value.type === "Literal" ? String(property.value.value) : undefined;
  }
  return undefined;
}

function isEnvironment(node: Pick<Expression, "type">): boolean {
  const { object, property } = node as { object?: { name?: string }; property?: { name?: string } }; // absent in others
  return node.type === "MemberExpression" && object?.name === "process" && property?.name === "env";
}
