import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { identifier, migrateUp, type Postgres, statement } from "@millrace/db";
import { withDatabase } from "../postgres/ensure-database.ts";
import { connectTestAdmin, dropDatabase } from "./test-admin.ts";

const migrations = fileURLToPath(new URL("../../../../migrations", import.meta.url));

/**
 * Makes the migrated database that tests copy. Its name tells which migrations it has and which run it
 * belongs to, so that two runs on one server stay apart. Disposing drops it.
 */
export async function openTemplateDatabase(serverUrl: string): Promise<{ readonly name: string } & AsyncDisposable> {
  const name = `millrace_template_${await hashOfMigrations()}_${randomBytes(3).toString("hex")}`;
  await using admin = await connectTestAdmin(serverUrl);
  await using parts = new AsyncDisposableStack();
  await admin.run(statement("testing.create_template", `CREATE DATABASE ${identifier(name)}`), []);
  parts.defer(() => dropTemplate(serverUrl, name));
  await migrateUp({ url: withDatabase(serverUrl, name), directory: migrations });
  await closeToConnections(admin, name);
  const made = parts.move();
  return { name, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** A database that somebody is connected to cannot be copied. */
async function closeToConnections(admin: Postgres, name: string): Promise<void> {
  const close = `ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false`;
  await admin.run(statement("testing.close_template", close), []);
}

async function dropTemplate(serverUrl: string, name: string): Promise<void> {
  await using admin = await connectTestAdmin(serverUrl);
  await dropDatabase(admin, name);
}

async function hashOfMigrations(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(migrations)).filter((name) => name.endsWith(".sql")).sort()) {
    hash.update(file).update(await readFile(join(migrations, file)));
  }
  return hash.digest("hex").slice(0, 12);
}
