import { connectPostgres, identifier, type Postgres, statement } from "@millrace/db";

/** A connection for creating and dropping databases, which may have to wait its turn on a busy machine. */
export async function connectTestAdmin(serverUrl: string): Promise<Postgres> {
  return await connectPostgres({
    url: serverUrl,
    applicationName: "millrace tests",
    maxConnections: 1,
    minConnections: 0,
    connectTimeoutMs: 30_000,
    queryTimeoutMs: 120_000,
    statementTimeoutMs: 0,
  });
}

/** Drops a database together with whatever connections it still has. */
export async function dropDatabase(admin: Postgres, name: string): Promise<void> {
  await admin.run(statement("testing.drop_database", `DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`), []);
}
