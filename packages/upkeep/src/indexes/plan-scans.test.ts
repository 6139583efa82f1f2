import { expect, test } from "vitest";
import { columnsFor, type PlanNode, scansIn } from "./plan-scans.ts";

const known = new Set(["state", "created_at", "The Key", "n"]);
const scan = (Filter: string): PlanNode => ({ "Node Type": "Seq Scan", "Relation Name": "t", Filter });
const columnsOf = (plan: PlanNode): string[][] => scansIn(plan).map((found) => columnsFor(found, known));

test("columns are read from filters as EXPLAIN writes them", () => {
  const cases: [string, string[]][] = [
    ["(sessions.state = 'active'::text)", ["state"]],
    ["((sessions.created_at > $1) AND (sessions.state = $2))", ["state", "created_at"]],
    [`("Odd ""Names"""."The Key" = 5)`, ["The Key"]],
    ["((state)::text = 'a'::text)", ["state"]],
    ["((state = 'a') OR (n = 5))", []],
    ["(NOT (n = 5))", []],
    ["(lower(state) = 'a'::text)", []],
    ["(unknown = 5)", []],
  ];
  for (const [filter, columns] of cases) expect(columnsOf(scan(filter)), filter).toEqual([columns]);
});

test("of the first few rows in an order, the order's columns follow those that are compared for equality", () => {
  const first = (keys: string[], below: PlanNode): PlanNode => ({
    "Node Type": "Limit",
    "Plan Rows": 10,
    Plans: [{ "Node Type": "Gather Merge", Plans: [{ "Node Type": "Sort", "Sort Key": keys, Plans: [below] }] }],
  });
  const bare: PlanNode = { "Node Type": "Seq Scan", "Relation Name": "t" };
  expect(scansIn(bare)).toEqual([]);
  expect(columnsOf(first(["t.created_at DESC", "t.n DESC"], bare))).toEqual([["created_at", "n"]]);
  expect(scansIn(first(["t.created_at"], bare))[0]?.wanted).toBe(10);
  expect(columnsOf(first(["t.created_at"], scan("(t.state = $1)")))).toEqual([["state", "created_at"]]);
  expect(columnsOf(first(["t.created_at"], scan("(t.created_at > $1)")))).toEqual([["created_at"]]);
  // No index of plain columns has these orders.
  expect(columnsOf(first(["t.created_at"], scan("(t.n > $1)")))).toEqual([["n"]]);
  expect(columnsOf(first(["t.created_at", "t.n DESC"], bare))).toEqual([[]]);
  expect(columnsOf(first(['t.state COLLATE "C"'], bare))).toEqual([[]]);
  expect(columnsOf(first(["(lower(t.state))"], bare))).toEqual([[]]);
  // What is sorted as a whole is read as a whole.
  expect(scansIn({ "Node Type": "Sort", "Sort Key": ["t.n"], Plans: [bare] })).toEqual([]);
  expect(scansIn(first(["t.n"], { "Node Type": "Hash Join", Plans: [bare] }))).toEqual([]);
});
