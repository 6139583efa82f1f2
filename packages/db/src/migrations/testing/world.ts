import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { createScratchDatabase } from "../scratch-database.ts";

/** An empty database on the server of the tests. */
export async function createEmptyDatabase(): Promise<{ url: string } & AsyncDisposable> {
  return await createScratchDatabase(serverUrl);
}

const serverUrl = "postgres://postgres@127.0.0.1:5432/postgres";

export interface MigrationFolder extends AsyncDisposable {
  readonly directory: string;
  /** Writes `NAME.up.sql` and `NAME.down.sql`. */
  add(id: string, up: string, down?: string): Promise<void>;
  write(fileName: string, text: string): Promise<void>;
}

export async function createMigrationFolder(): Promise<MigrationFolder> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-migrations-"));
  const write = (fileName: string, text: string): Promise<void> => writeFile(join(directory, fileName), text);
  return {
    directory,
    write,
    async add(id, up, down = "") {
      await write(`${id}.up.sql`, up);
      await write(`${id}.down.sql`, down);
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true });
    },
  };
}

/** A connection for a test to look around with, or to stand in the way with an open transaction. */
export async function connectOnlooker(url: string): Promise<Onlooker> {
  const client = new pg.Client({ connectionString: url, application_name: "onlooker" });
  await client.connect();
  const rows: Onlooker["rows"] = async (sql, values = []) =>
    (await client.query({ text: sql, values: [...values] })).rows;
  return {
    rows,
    async until(sql) {
      while ((await rows(sql)).length === 0) await sleep(20);
    },
    async [Symbol.asyncDispose]() {
      await client.end();
    },
  };
}

export interface Onlooker extends AsyncDisposable {
  rows(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** Resolves when the query has a row. */
  until(sql: string): Promise<void>;
}

/** Finds the runner's server process while it waits for a lock of somebody else. */
export const runnerIsWaiting = `SELECT 1 FROM pg_stat_activity
  WHERE application_name = 'millrace-migrate' AND wait_event_type = 'Lock' AND datname = current_database()`;

export const runnerIsGone = `SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity
  WHERE application_name = 'millrace-migrate' AND datname = current_database())`;
