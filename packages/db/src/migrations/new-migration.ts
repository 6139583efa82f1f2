import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "./migration-error.ts";
import { idOf, readMigrations } from "./migration-files.ts";

export interface NewMigrationOptions {
  readonly directory: string;
  /** Words of any kind: "Add user e-mail" becomes `add_user_e_mail`. */
  readonly name: string;
  /** For CONCURRENTLY and other statements that refuse to run in a transaction. */
  readonly outsideTransaction?: boolean;
}

/** Writes an empty pair of files with the next number and gives their paths. */
export async function newMigration(options: NewMigrationOptions): Promise<{ up: string; down: string }> {
  const { directory, outsideTransaction = false } = options;
  const name = options.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  if (name === "") throw new MigrationError("BAD_NAME", "Give the migration a name in letters and digits");
  await mkdir(directory, { recursive: true });
  const id = idOf((await readMigrations(directory)).length + 1, name);
  const paths = { up: join(directory, `${id}.up.sql`), down: join(directory, `${id}.down.sql`) };
  const marker = outsideTransaction ? "-- migrate: no-transaction\n" : "";
  await writeFile(paths.up, marker + upHeader, { flag: "wx" });
  await writeFile(paths.down, marker + downHeader, { flag: "wx" });
  return paths;
}

const upHeader = `-- What this is for, in a sentence.
--
-- Locks: which mode on which table, and for how long (instantly, while rows are read, while rows are rewritten).
-- The code before this migration still works after it, because …

`;

const downHeader = `-- Takes back exactly what the up file makes; \`migrate verify\` compares the catalogue.
--
-- Locks: which mode on which table, and for how long. Data lost: none, or which.

`;
