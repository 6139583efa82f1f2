import { connectPostgres, identifier, sqlState, sqlStateOf, statement } from "@millrace/db";

const findDatabase = statement<[name: string], { found: number }>(
  "embedded.find_database",
  "SELECT 1 AS found FROM pg_database WHERE datname = $1",
);

/** Creates the database unless the server has it, and gives the URL that leads to it. */
export async function ensureDatabase(serverUrl: string, name: string): Promise<string> {
  await using db = await connectPostgres({
    url: serverUrl,
    applicationName: "millrace start",
    maxConnections: 1,
    minConnections: 0,
    connectTimeoutMs: 10_000,
  });
  if ((await db.run(findDatabase, [name])) === 0) {
    const create = statement("embedded.create_database", `CREATE DATABASE ${identifier(name)}`);
    await db.run(create, []).catch((error: unknown) => {
      if (sqlStateOf(error) !== sqlState.duplicateDatabase) throw error;
    });
  }
  return withDatabase(serverUrl, name);
}

/** The same server's URL with another database in it. */
export function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}
