import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
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
import { loadDatabaseConfig } from "../config.ts";
import { interruptedCode, listenForInterruption } from "../interruption.ts";
import { help, helpOf, isMigrateCommand, type MigrateCommand } from "./help.ts";
import { statusTable } from "./status-table.ts";

const projectDirectory = fileURLToPath(new URL("../../../../migrations", import.meta.url));

const options = {
  help: { type: "boolean" },
  directory: { type: "string" },
  to: { type: "string" },
  "accept-data-loss": { type: "boolean" },
  check: { type: "boolean" },
  "no-transaction": { type: "boolean" },
} as const;

type Options = ReturnType<typeof parseMigrateArgs>["values"];

const allowed: Readonly<Record<MigrateCommand, readonly (keyof Options)[]>> = {
  up: ["to"],
  down: ["to", "accept-data-loss"],
  status: ["check"],
  verify: [],
  new: ["no-transaction"],
};

/**
 * `migrate up|down|status|verify|new`. Gives the exit code: 0 when it was done, 1 when it could not be
 * (or `status --check` found something to do), 2 when the command line makes no sense.
 */
export async function runMigrate(args: string[]): Promise<number> {
  const [command, ...rest] = args;
  if (!isMigrateCommand(command)) {
    if (command === "--help" || command === "-h" || command === "help") return say(help, 0);
    return complain(command === undefined ? help : `There is no command "${command}".\n\n${help}`, 2);
  }
  try {
    const { values, positionals } = parseMigrateArgs(rest);
    if (values.help) return say(helpOf(command), 0);
    const misplaced = unusedOf(command, values, positionals);
    if (misplaced !== undefined) return complain(`${misplaced} does not belong here.\n\n${helpOf(command)}`, 2);
    return await run(command, values, positionals);
  } catch (error) {
    if (error instanceof MigrationError) return complain(error.message, 1);
    if (isUsageError(error)) return complain(`${error.message}\n\n${helpOf(command)}`, 2);
    throw error;
  }
}

function parseMigrateArgs(args: string[]) {
  return parseArgs({ args, options, allowPositionals: true });
}

function unusedOf(command: MigrateCommand, values: Options, positionals: readonly string[]): string | undefined {
  const known = ["help", "directory", ...allowed[command]];
  const option = Object.keys(values).find((name) => !known.includes(name));
  return option === undefined ? positionals[command === "new" ? 1 : 0] : `--${option}`;
}

async function run(command: MigrateCommand, values: Options, [name]: readonly string[]): Promise<number> {
  const { directory = projectDirectory, to: version } = values;
  if (!(await isFolder(directory))) return complain(`--directory ${directory} is not a folder.`, 2);
  if (version !== undefined && !/^\d{1,4}$/.test(version)) {
    return complain(`--to ${version}: give the number of a migration, such as 3 or 0003.`, 2);
  }
  if (command === "new") return await writeNew(directory, name, values["no-transaction"] ?? false);
  const { url } = await loadDatabaseConfig(process.env);
  const needs = { url, directory, log: (line: string) => void say(line, 0) };
  const to = version === undefined ? {} : { to: Number(version) };
  switch (command) {
    case "up": {
      const { applied } = await migrateUp({ ...needs, ...to });
      return say(applied.length === 0 ? "Nothing to do: the database is up to date." : `Applied ${applied.length}.`, 0);
    }
    case "down": {
      const { reverted } = await migrateDown({ ...needs, ...to, acceptDataLoss: values["accept-data-loss"] ?? false });
      return say(reverted.length === 0 ? "Nothing to take back." : `Took back ${reverted.length}.`, 0);
    }
    case "status": {
      const statuses = await migrationStatus(needs);
      say(statusTable(statuses).join("\n"), 0);
      return values.check && !isUpToDate(statuses) ? 1 : 0;
    }
    case "verify":
      return await verify(needs);
  }
}

async function verify(needs: Pick<VerifyMigrationsOptions, "url" | "directory" | "log">): Promise<number> {
  using interruption = listenForInterruption();
  const { signal } = interruption;
  try {
    const { verified } = await verifyMigrations({ ...needs, signal });
    return say(`Verified ${verified.length}.`, 0);
  } catch (error) {
    if (signal.aborted) return complain("Interrupted; the scratch database is dropped.", interruptedCode);
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function writeNew(directory: string, name: string | undefined, outsideTransaction: boolean): Promise<number> {
  if (name === undefined) return complain(`Give the migration a name.\n\n${helpOf("new")}`, 2);
  const { up, down } = await newMigration({ directory, name, outsideTransaction });
  return say(`${up}\n${down}`, 0);
}

/** What `parseArgs` throws at an option that it does not know. */
function isUsageError(error: unknown): error is Error {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

function say(text: string, exitCode: number): number {
  process.stdout.write(`${text}\n`);
  return exitCode;
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`);
  return exitCode;
}
