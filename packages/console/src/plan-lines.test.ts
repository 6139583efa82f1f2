import { expect, test } from "vitest";
import { planLines } from "./browser/plan-lines.ts";

test("a plan is written as EXPLAIN writes it, each step below the one that it feeds", () => {
  const plan = {
    "Node Type": "Nested Loop",
    "Join Type": "Inner",
    "Total Cost": 16.6,
    "Plan Rows": 1,
    Plans: [
      {
        "Node Type": "Seq Scan",
        "Relation Name": "users",
        "Total Cost": 8.3,
        "Plan Rows": 12_000,
        Filter: "(a = '?')",
      },
      {
        "Node Type": "Index Scan",
        "Relation Name": "sessions",
        "Index Name": "sessions_pkey",
        "Index Cond": "(id = ?)",
        "Total Cost": 8.3,
        "Plan Rows": 1,
        Plans: [{ "Node Type": "Result" }],
      },
    ],
  };
  expect(planLines(plan)).toEqual([
    "Inner Nested Loop (cost 17, 1 rows)",
    "└─ Seq Scan on users (cost 8, 12,000 rows) where (a = '?')",
    "└─ Index Scan on sessions by sessions_pkey (cost 8, 1 rows) where (id = ?)",
    "   └─ Result (cost 0, 0 rows)",
  ]);
});
