import fc from "fast-check";
import { expect, test } from "vitest";
import { findCycle } from "./find-cycle.ts";

test("a graph whose edges all lead onwards has no cycle, and one edge back to the start makes one", () => {
  const sizes = fc.integer({ min: 2, max: 12 });
  const graphs = sizes.chain((size) =>
    fc.tuple(fc.constant(size), fc.array(fc.tuple(fc.nat(size - 2), fc.integer({ min: 1, max: size - 1 })))),
  );
  fc.assert(
    fc.property(graphs, ([size, jumps]) => {
      const edges = new Map<string, string[]>();
      for (let node = 0; node < size - 1; node += 1) edges.set(`${node}`, [`${node + 1}`]);
      for (const [from, by] of jumps) edges.get(`${from}`)?.push(`${Math.min(size - 1, from + by)}`);
      expect(findCycle(edges)).toBeUndefined();

      edges.set(`${size - 1}`, ["0"]);
      const cycle = findCycle(edges) ?? [];
      expect(cycle.length).toBeGreaterThan(1);
      expect(cycle.at(0)).toBe(cycle.at(-1));
      for (const [at, node] of cycle.slice(0, -1).entries()) expect(edges.get(node)).toContain(cycle[at + 1]);
    }),
  );
});
