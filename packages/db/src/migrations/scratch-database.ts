import { randomBytes } from "node:crypto";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";
import { withDirectConnection } from "./migration-session.ts";

/** An empty database on the server of `url`; it is dropped, with whoever is connected, on disposal. */
export async function createScratchDatabase(url: string): Promise<{ url: string } & AsyncDisposable> {
  const name = `millrace_scratch_${process.pid}_${randomBytes(4).toString("hex")}`;
  const run = (sql: string): Promise<number> =>
    withDirectConnection(url, (db) => db.run(statement("migrations.scratch_database", sql), []));
  await run(`CREATE DATABASE ${identifier(name)} TEMPLATE template0`);
  const scratchUrl = new URL(url);
  scratchUrl.pathname = `/${name}`;
  return {
    url: scratchUrl.href,
    async [Symbol.asyncDispose]() {
      await run(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
    },
  };
}
