import { isScope, type NewKey, type Scope } from "@millrace/access";
import { subcommandHelpOf } from "../commands/help.ts";
import { type CommandLine, isHelp, readCommandLine } from "../commands/read-command-line.ts";
import { UsageError } from "../commands/usage-error.ts";
import { type KeysCommandName, keysCommand } from "./declaration.ts";
import { expiryOf } from "./expiry.ts";

export type KeysCommand =
  | { readonly name: "help" }
  | { readonly name: "create"; readonly key: NewKey; readonly json: boolean }
  | { readonly name: "list"; readonly json: boolean }
  | { readonly name: "revoke"; readonly idOrPrefix: string; readonly json: boolean };

/** Reads what stands after `keys create|list|revoke`. Throws a `UsageError`. */
export function parseCommand(name: KeysCommandName, args: readonly string[], nowMs: number): KeysCommand {
  const read = readCommandLine(keysCommand, [name, ...args]);
  return isHelp(read) ? { name: "help" } : commandOf(read, nowMs);
}

/** Checks what was given. Throws a `UsageError`. */
export function commandOf(
  { subcommand: name, values, positionals }: CommandLine<typeof keysCommand>,
  nowMs: number,
): Exclude<KeysCommand, { name: "help" }> {
  const { json } = values;
  if (name === "create") return { name, key: newKeyOf(values, nowMs), json };
  if (name === "list") return { name, json };
  const [idOrPrefix, ...others] = positionals;
  if (idOrPrefix === undefined || idOrPrefix === "")
    throw refused("Name the key by its id or prefix; `keys list` shows both", name);
  if (others.length > 0) throw refused("Name one key at a time", name);
  return { name, idOrPrefix, json };
}

function refused(text: string, name: KeysCommandName = "create"): UsageError {
  return new UsageError(`${text}.`, subcommandHelpOf(keysCommand, name));
}

type CreateValues = CommandLine<typeof keysCommand>["values"];

function newKeyOf(values: CreateValues, nowMs: number): NewKey {
  const name = values.name?.trim() ?? "";
  if (name === "") throw refused("--name is missing: say what the key is for");
  if (name.length > 200 || /\p{Cc}/u.test(name)) {
    throw refused("--name: write one line of at most 200 characters");
  }
  if (values.scope === undefined) throw refused("--scope is missing: give ingest, write, read or admin");
  return {
    name,
    scopes: values.scope.map(scopeOf),
    expiresAt: expiresAtOf(values.expires, nowMs),
    eventsPerSecond: countOf("events-per-second", values),
    eventsPerDay: countOf("events-per-day", values),
  };
}

function countOf(option: "events-per-second" | "events-per-day", values: CreateValues): number | undefined {
  const text = values[option];
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw refused(`--${option} ${text}: give a whole number above 0`);
}

function scopeOf(text: string): Scope {
  if (isScope(text)) return text;
  throw refused(`--scope ${text}: give ingest, write, read or admin, and --scope once for each`);
}

function expiresAtOf(text: string | undefined, nowMs: number): Date | undefined {
  if (text === undefined) return undefined;
  const expiresAt = expiryOf(text, nowMs);
  if (expiresAt === undefined) {
    throw refused(`--expires ${text}: write 12h, 90d or 4w, or a date such as 2031-01-31`);
  }
  if (expiresAt.getTime() <= nowMs) throw refused(`--expires ${text}: this is not in the future`);
  return expiresAt;
}
