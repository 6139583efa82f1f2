import { createTestDatabase } from "@millrace/embedded/testing";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { statement } from "./statement.ts";
import { observeStatements } from "./statement-metrics.ts";

test("statements are counted by name and outcome", async () => {
  await using database = await createTestDatabase();
  const registry = new Registry();
  observeStatements(registry);
  await database.db.rows(statement<[], unknown>("metrics_test.succeed", "SELECT 1"), []);
  await expect(database.db.rows(statement<[], unknown>("metrics_test.fail", "SELECT 1/0"), [])).rejects.toThrow();
  const text = await registry.metrics();
  expect(text).toContain('millrace_statement_duration_seconds_count{statement="metrics_test.succeed",outcome="ok"} 1');
  expect(text).toContain('millrace_statement_duration_seconds_count{statement="metrics_test.fail",outcome="error"} 1');
  expect(text).toContain("millrace_pool_wait_seconds_count 2");
  expect(text).toMatch(/millrace_pool_utilisation_ratio_count 2/);
});
