import { AccessError } from "@millrace/access";
import { connectPostgres, sqlState, sqlStateOf } from "@millrace/db";
import { CommandError, say } from "../command-error.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { loadDatabaseConfig } from "../config.ts";
import { keysCommand } from "./declaration.ts";
import { commandOf, type KeysCommand } from "./parse-command.ts";
import { runCommand } from "./run-command.ts";

/**
 * `keys create|list|revoke`. Gives the exit code: 0 when it was done, 1 when it could not be, 2 when
 * the command line makes no sense.
 */
export async function runKeys(args: string[]): Promise<number> {
  return await runDeclared(keysCommand, args, async (line) =>
    say(await runOnDatabase(commandOf(line, Date.now())).catch(explain), 0),
  );
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

function explain(error: unknown): never {
  if (error instanceof AccessError) throw new CommandError(`${error.message}.`, 1);
  if (sqlStateOf(error) === sqlState.undefinedTable) {
    throw new CommandError("The database has no table for keys yet; make it with: npm run migrate -- up", 1);
  }
  throw error;
}
