/** A cycle of the graph as the list of its nodes, the first one again at the end, or `undefined` if there is none. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const finished = new Set<string>();
  for (const start of edges.keys()) {
    const cycle = walk(start, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;

  function walk(node: string, path: readonly string[]): string[] | undefined {
    const first = path.indexOf(node);
    if (first !== -1) return [...path.slice(first), node];
    if (finished.has(node)) return undefined;
    for (const next of edges.get(node) ?? []) {
      const cycle = walk(next, [...path, node]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(node);
    return undefined;
  }
}
