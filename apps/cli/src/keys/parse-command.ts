import { parseArgs } from "node:util";
import { isScope, type NewKey, type Scope } from "@millrace/access";
import { expiryOf } from "./expiry.ts";
import type { KeysCommandName } from "./help.ts";

/** The command line makes no sense; the message says what is wrong with it. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

export type KeysCommand =
  | { readonly name: "help" }
  | { readonly name: "create"; readonly key: NewKey; readonly json: boolean }
  | { readonly name: "list"; readonly json: boolean }
  | { readonly name: "revoke"; readonly idOrPrefix: string; readonly json: boolean };

const everywhere = { help: { type: "boolean" }, json: { type: "boolean", default: false } } as const;
const creating = {
  ...everywhere,
  name: { type: "string" },
  scope: { type: "string", multiple: true },
  expires: { type: "string" },
  "events-per-second": { type: "string" },
  "events-per-day": { type: "string" },
} as const;

/** Reads what stands after `keys create|list|revoke`. Throws a `UsageError`. */
export function parseCommand(name: KeysCommandName, args: string[], nowMs: number): KeysCommand {
  if (name === "create") {
    const { values } = refusing(() => parseArgs({ args, options: creating }));
    return values.help ? { name: "help" } : { name, key: newKeyOf(values, nowMs), json: values.json };
  }
  const { values, positionals } = refusing(() => parseArgs({ args, options: everywhere, allowPositionals: true }));
  if (values.help) return { name: "help" };
  const [idOrPrefix, ...others] = positionals;
  if (name === "list") {
    if (idOrPrefix !== undefined) throw new UsageError(`"${idOrPrefix}" does not belong here`);
    return { name, json: values.json };
  }
  if (idOrPrefix === undefined || idOrPrefix === "")
    throw new UsageError("Name the key by its id or prefix; `keys list` shows both");
  if (others.length > 0) throw new UsageError("Name one key at a time");
  return { name, idOrPrefix, json: values.json };
}

interface CreateValues {
  readonly name?: string;
  readonly scope?: string[];
  readonly expires?: string;
  readonly "events-per-second"?: string;
  readonly "events-per-day"?: string;
}

function newKeyOf(values: CreateValues, nowMs: number): NewKey {
  const name = values.name?.trim() ?? "";
  if (name === "") throw new UsageError("--name is missing: say what the key is for");
  if (name.length > 200 || /\p{Cc}/u.test(name)) {
    throw new UsageError("--name: write one line of at most 200 characters");
  }
  if (values.scope === undefined) throw new UsageError("--scope is missing: give ingest, write, read or admin");
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
  throw new UsageError(`--${option} ${text}: give a whole number above 0`);
}

function scopeOf(text: string): Scope {
  if (isScope(text)) return text;
  throw new UsageError(`--scope ${text}: give ingest, write, read or admin, and --scope once for each`);
}

function expiresAtOf(text: string | undefined, nowMs: number): Date | undefined {
  if (text === undefined) return undefined;
  const expiresAt = expiryOf(text, nowMs);
  if (expiresAt === undefined) {
    throw new UsageError(`--expires ${text}: write 12h, 90d or 4w, or a date such as 2031-01-31`);
  }
  if (expiresAt.getTime() <= nowMs) throw new UsageError(`--expires ${text}: this is not in the future`);
  return expiresAt;
}

/** Runs `parseArgs` and turns what it throws at options it does not know into a `UsageError`. */
function refusing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) {
      throw new UsageError(error.message);
    }
    throw error;
  }
}
