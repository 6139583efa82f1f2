import { AccessError } from "@millrace/access";
import { connectPostgres, sqlState, sqlStateOf } from "@millrace/db";
import { loadDatabaseConfig } from "../config.ts";
import { help, helpOf, isKeysCommand, type KeysCommandName } from "./help.ts";
import { type KeysCommand, parseCommand, UsageError } from "./parse-command.ts";
import { runCommand } from "./run-command.ts";

/**
 * `keys create|list|revoke`. Gives the exit code: 0 when it was done, 1 when it could not be, 2 when
 * the command line makes no sense.
 */
export async function runKeys(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (!isKeysCommand(name)) {
    if (name === "--help" || name === "-h" || name === "help") return say(help, 0);
    return complain(name === undefined ? help : `There is no command "${name}".\n\n${help}`, 2);
  }
  try {
    const command = parseCommand(name, rest, Date.now());
    return command.name === "help" ? say(helpOf(name), 0) : say(await runOnDatabase(command), 0);
  } catch (error) {
    return explain(error, name);
  }
}

async function runOnDatabase(command: Exclude<KeysCommand, { name: "help" }>): Promise<string> {
  const { url } = await loadDatabaseConfig(process.env);
  await using db = await connectPostgres({
    url,
    applicationName: "millrace-keys",
    maxConnections: 1,
    minConnections: 0,
  });
  return await runCommand(db, command);
}

function explain(error: unknown, name: KeysCommandName): number {
  if (error instanceof UsageError) return complain(`${error.message}.\n\n${helpOf(name)}`, 2);
  if (error instanceof AccessError) return complain(`${error.message}.`, 1);
  if (sqlStateOf(error) === sqlState.undefinedTable) {
    return complain("The database has no table for keys yet; make it with: npm run migrate -- up", 1);
  }
  throw error;
}

function say(text: string, exitCode: number): number {
  process.stdout.write(`${text}\n`);
  return exitCode;
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`);
  return exitCode;
}
