import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  isUpToDate,
  MigrationError,
  migrateDown,
  migrateUp,
  migrationStatus,
  newMigration,
  type VerifyMigrationsOptions,
  verifyMigrations,
} from "@millrace/db";
import { CommandError, say } from "../command-error.ts";
import { subcommandHelpOf } from "../commands/help.ts";
import type { CommandLine } from "../commands/read-command-line.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { UsageError } from "../commands/usage-error.ts";
import { loadDatabaseConfig } from "../config.ts";
import { interruptedCode, listenForInterruption } from "../interruption.ts";
import { migrateCommand } from "./declaration.ts";
import { statusTable } from "./status-table.ts";

const projectDirectory = fileURLToPath(new URL("../../../../migrations", import.meta.url));

type Line = CommandLine<typeof migrateCommand>;

/**
 * `migrate up|down|status|verify|new`. Gives the exit code: 0 when it was done, 1 when it could not be
 * (or `status --check` found something to do), 2 when the command line makes no sense.
 */
export async function runMigrate(args: string[]): Promise<number> {
  return await runDeclared(migrateCommand, args, async (line) => {
    try {
      return await run(line);
    } catch (error) {
      if (error instanceof MigrationError) throw new CommandError(error.message, 1);
      throw error;
    }
  });
}

async function run({ subcommand, values, positionals: [name, extra] }: Line): Promise<number> {
  const { directory = projectDirectory, to: version, json: isJson } = values;
  if (extra !== undefined) throw refused(`"${extra}" does not belong here.`, subcommand);
  if (!(await isFolder(directory))) throw new CommandError(`--directory ${directory} is not a folder.`, 2);
  if (version !== undefined && !/^\d{1,4}$/.test(version)) {
    throw new CommandError(`--to ${version}: give the number of a migration, such as 3 or 0003.`, 2);
  }
  if (subcommand === "new") return await writeNew(directory, name, values);
  const { url } = await loadDatabaseConfig(process.env);
  // With --json what is done meanwhile is for people, and goes where people look.
  const log = (text: string): void => void process[isJson ? "stderr" : "stdout"].write(`${text}\n`);
  const needs = { url, directory, log };
  const to = version === undefined ? {} : { to: Number(version) };
  const tell = (document: object, text: string): number => say(isJson ? JSON.stringify(document) : text, 0);
  switch (subcommand) {
    case "up": {
      const { applied } = await migrateUp({ ...needs, ...to });
      return tell(
        { applied },
        applied.length === 0 ? "Nothing to do: the database is up to date." : `Applied ${applied.length}.`,
      );
    }
    case "down": {
      const { reverted } = await migrateDown({ ...needs, ...to, acceptDataLoss: values["accept-data-loss"] ?? false });
      return tell({ reverted }, reverted.length === 0 ? "Nothing to take back." : `Took back ${reverted.length}.`);
    }
    case "status": {
      const statuses = await migrationStatus(needs);
      say(isJson ? JSON.stringify(statuses, undefined, 2) : statusTable(statuses).join("\n"), 0);
      return values.check && !isUpToDate(statuses) ? 1 : 0;
    }
    case "verify":
      return tell(...(await verify(needs)));
  }
}

function refused(text: string, subcommand: Line["subcommand"]): UsageError {
  return new UsageError(text, subcommandHelpOf(migrateCommand, subcommand));
}

async function verify(
  needs: Pick<VerifyMigrationsOptions, "url" | "directory" | "log">,
): Promise<[document: object, text: string]> {
  using interruption = listenForInterruption();
  const { signal } = interruption;
  try {
    const { verified } = await verifyMigrations({ ...needs, signal });
    return [{ verified }, `Verified ${verified.length}.`];
  } catch (error) {
    if (signal.aborted) throw new CommandError("Interrupted; the scratch database is dropped.", interruptedCode);
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function writeNew(directory: string, name: string | undefined, values: Line["values"]): Promise<number> {
  if (name === undefined) throw refused("Give the migration a name.", "new");
  const { up, down } = await newMigration({ directory, name, outsideTransaction: values["no-transaction"] ?? false });
  return say(values.json ? JSON.stringify({ up, down }) : `${up}\n${down}`, 0);
}
