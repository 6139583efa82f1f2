import { type Argument, type CallExpression, type Program, Visitor } from "oxc-parser";
import type { SourceFile } from "./source-tree.ts";

/**
 * The names given to `statement("name", …)` or `defineJob({ name: "name", … })`, all of them where an expression
 * chooses between several. A name that a function makes is not among them.
 */
export function namesIn({ program }: SourceFile, callee: string): string[] {
  const names: string[] = [];
  new Visitor({
    CallExpression(call) {
      const [first] = call.arguments;
      if (calleeOf(call) === callee && first !== undefined) names.push(...literalsIn(nameIn(first)));
    },
  }).visit(program);
  return names;
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
      const values = call.arguments.flatMap((argument): Argument[] =>
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

function nameIn(argument: Argument): Argument | undefined {
  if (argument.type !== "ObjectExpression") return argument;
  return argument.properties
    .filter((property) => property.type === "Property")
    .find(({ key }) => key.type === "Identifier" && key.name === "name")?.value;
}

function literalsIn(node: Argument | undefined): string[] {
  if (node?.type === "ConditionalExpression") return [...literalsIn(node.consequent), ...literalsIn(node.alternate)];
  return node?.type === "Literal" ? [String(node.value)] : [];
}

function isEnvironment(node: Argument): boolean {
  if (node.type !== "MemberExpression" || node.computed) return false;
  return node.object.type === "Identifier" && node.object.name === "process" && node.property.name === "env";
}
