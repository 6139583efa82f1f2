import { createTestDatabase } from "@millrace/embedded/testing";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { connectPostgres } from "./connect.ts";
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
});

test("waits for connections are told by pool, with how full it was and how many waited, also those in vain", async () => {
  await using database = await createTestDatabase();
  const registry = new Registry();
  observeStatements(registry);
  const options = { url: database.url, applicationName: "two", maxConnections: 2, connectTimeoutMs: 300 };
  await using db = await connectPostgres(options);
  const nothing = statement<[], unknown>("metrics_test.nothing", "SELECT 1");
  await db.transaction(async (one) => {
    await one.rows(nothing, []);
    await db.transaction(async (other) => {
      await other.rows(nothing, []);
      const waiting = Array.from({ length: 3 }, () => db.rows(nothing, []));
      expect((await Promise.allSettled(waiting)).map(({ status }) => status)).toEqual(Array(3).fill("rejected"));
    });
  });
  const lines = new Map((await registry.metrics()).split("\n").map((line) => [line.split(" ")[0], line.split(" ")[1]]));
  const of = (series: string) => Number(lines.get(`millrace_pool_${series}`));
  expect(of('wait_seconds_count{pool="two",outcome="ok"}')).toBe(2);
  expect(of('wait_seconds_count{pool="two",outcome="error"}')).toBe(3);
  expect(of('wait_seconds_bucket{le="0.25",pool="two",outcome="error"}')).toBe(0);
  expect(of('utilisation_ratio_bucket{le="0.5",pool="two"}')).toBe(1);
  expect(of('utilisation_ratio_bucket{le="1",pool="two"}')).toBe(5);
  // The last two found one and two waiting, where two connections are.
  expect(of('saturation_ratio_bucket{le="0",pool="two"}')).toBe(3);
  expect(of('saturation_ratio_bucket{le="0.5",pool="two"}')).toBe(4);
  expect(of('saturation_ratio_bucket{le="1",pool="two"}')).toBe(5);
});
