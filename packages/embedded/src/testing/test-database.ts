import { randomBytes } from "node:crypto";
import { connectPostgres, identifier, type Postgres, statement } from "@millrace/db";
import { inject } from "vitest";
import { withDatabase } from "../postgres/ensure-database.ts";
import { connectTestAdmin, dropDatabase } from "./test-admin.ts";
import "./test-servers.ts";

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly db: Postgres;
}

/** A database of the test's own with all migrations applied, on a real server. Disposing drops it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { databaseUrl, templateDatabase } = inject("testServers");
  const name = `millrace_test_${randomBytes(8).toString("hex")}`;
  await using parts = new AsyncDisposableStack();
  const admin = parts.use(await connectTestAdmin(databaseUrl));
  const copy = `CREATE DATABASE ${identifier(name)} TEMPLATE ${identifier(templateDatabase)}`;
  await admin.run(statement("testing.copy_template", copy), []);
  parts.defer(() => dropDatabase(admin, name));
  const url = withDatabase(databaseUrl, name);
  const db = parts.use(
    await connectPostgres({
      url,
      applicationName: "millrace test",
      maxConnections: 20,
      minConnections: 0,
      connectTimeoutMs: 30_000,
      queryTimeoutMs: 30_000,
      statementTimeoutMs: 30_000,
    }),
  );
  const open = parts.move();
  return { url, db, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
