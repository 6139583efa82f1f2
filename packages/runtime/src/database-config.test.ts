import { expect, test } from "vitest";
import { readEnvironment } from "./config.ts";
import { databaseVariables, poolOptionsOf } from "./database-config.ts";

test("an app that is only told where PostgreSQL is has the pool that the README promises", () => {
  const url = "postgres://millrace@localhost/millrace";
  expect(poolOptionsOf(readEnvironment({ DATABASE_URL: url }, databaseVariables))).toEqual({
    url,
    maxConnections: 50,
    minConnections: 5,
    idleTimeoutMs: 10_000,
    connectTimeoutMs: 1_000,
    queryTimeoutMs: 5_000,
    statementTimeoutMs: 10_000,
  });
});
