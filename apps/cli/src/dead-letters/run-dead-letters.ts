import { readFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { type CallApi, createApiCalls } from "../call-api.ts";
import { CommandError, explained, say } from "../command-error.ts";
import { loadApiConfig } from "../config.ts";

const help = `Usage: millrace dead-letters COMMAND [OPTIONS]

Events that were accepted and that PostgreSQL refused.

  list                         the newest first
  show ID                      one, with its event
  redrive ID …                 put these into the queue again
  redrive --all                put all that wait into the queue again
  edit ID --file EVENT.json    put another event in the place of the refused one; what it leaves out of
                               id, source and time stays
  purge ID …                   delete these for good
  purge --all --yes            delete all for good; with --before TIME only those from before then

  --reason CODE   only those with this reason (list, redrive --all, purge --all)
  --state S       waiting or redriven (list, purge --all)
  --before TIME   RFC 3339 (purge --all)
  --limit N       letters to list (default 50)
  --json          write JSON instead of text
  --url URL       where Millrace listens (default: the one that \`npm start\` runs)
  --help          show this text

The environment's MILLRACE_KEY is a key with the scope admin; without it, the development key of \`npm start\`.
`;

const options = {
  help: { type: "boolean", short: "h" },
  all: { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  file: { type: "string" },
  reason: { type: "string" },
  state: { type: "string" },
  before: { type: "string" },
  limit: { type: "string", default: "50" },
  url: { type: "string" },
} as const;

const letter = z.object({
  id: z.string(),
  reason: z.string(),
  sqlstate: z.string().nullable(),
  message: z.string(),
  attempts: z.int(),
  createdat: z.string(),
  redrivenat: z.string().nullable(),
  event: z.unknown(),
});
const page = z.object({ deadletters: z.array(letter), next: z.string().nullable() });
const outcome = z.object({
  redriven: z.int().default(0),
  purged: z.int().default(0),
  more: z.boolean().default(false),
});

/**
 * `dead-letters list|show|redrive|edit|purge`, through the API. Gives the exit code: 0 when it was done, 1
 * when it could not be, 2 when the command line makes no sense.
 */
export async function runDeadLetters(args: string[]): Promise<number> {
  return await explained(async () => {
    const { values, positionals } = parsed(args);
    const [command, ...ids] = positionals;
    if (values.help || command === undefined) return say(help, values.help ? 0 : 2);
    const { url, key } = await loadApiConfig(process.env);
    const call = createApiCalls(values.url ?? url, key);
    const { all, reason, state, before } = values;
    switch (command) {
      case "list":
        return await list(call, { state, reason, limit: values.limit }, values.json);
      case "show":
        return say(JSON.stringify(letter.parse(await call("GET", `${base}/${only(ids)}`)), undefined, 2), 0);
      case "redrive":
        return await repeat(call, "redrive", chosen(ids, all, { reason }), values.json);
      case "edit":
        return await edit(call, only(ids), values.file);
      case "purge": {
        const what = chosen(ids, all, { state, reason, before });
        if (all && !values.yes) throw new CommandError("This deletes them for good; say so with --yes", 2);
        return await repeat(call, "purge", what, values.json);
      }
      default:
        throw new CommandError(`There is no command "${command}".\n\n${help}`, 2);
    }
  });
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new CommandError(`${error instanceof Error ? error.message : error}\n\n${help}`, 2);
  }
}

const base = "/v1/dead-letters";

async function list(
  call: CallApi,
  filters: Readonly<Record<string, string | undefined>>,
  isJson: boolean,
): Promise<number> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value !== undefined) query.append(name, value);
  }
  const { deadletters } = page.parse(await call("GET", `${base}?${query}`));
  if (isJson) return say(JSON.stringify(deadletters, undefined, 2), 0);
  if (deadletters.length === 0) return say("There are none.", 0);
  const lines = deadletters.map(
    ({ id, createdat, redrivenat, reason, sqlstate, attempts, message }) =>
      `${id}  ${createdat.slice(0, 19)}Z  ${redrivenat === null ? "waiting " : "redriven"}  ${attempts}x  ${reason} ${sqlstate ?? ""}  ${message}`,
  );
  return say(lines.join("\n"), 0);
}

/** The server does a bounded number at a time; this goes on until there are no more. */
async function repeat(call: CallApi, action: "redrive" | "purge", body: object, isJson: boolean): Promise<number> {
  const total = { redriven: 0, purged: 0 };
  for (;;) {
    const { redriven, purged, more } = outcome.parse(await call("POST", `${base}/${action}`, body));
    total.redriven += redriven;
    total.purged += purged;
    if (!more) break;
    process.stderr.write(`${total.redriven + total.purged} so far …\n`);
  }
  if (isJson) return say(JSON.stringify(total), 0);
  return say(action === "redrive" ? `Redriven: ${total.redriven}` : `Deleted: ${total.purged}`, 0);
}

async function edit(call: CallApi, id: string, file: string | undefined): Promise<number> {
  if (file === undefined) throw new CommandError("Give the event with --file EVENT.json", 2);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CommandError(`${file} cannot be read: ${error instanceof Error ? error.message : error}`, 2);
  });
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${file} is not JSON: ${error instanceof Error ? error.message : error}`, 2);
  }
  await call("POST", `${base}/${id}/redrive`, { event });
  return say("Redriven: 1", 0);
}

function chosen(ids: readonly string[], all: boolean, filter: object): object {
  if (all === ids.length > 0) throw new CommandError("Name letters by their ids, or say --all", 2);
  return all ? { all, ...filter } : { ids };
}

function only(ids: readonly string[]): string {
  const [id, ...others] = ids;
  if (id === undefined || others.length > 0) throw new CommandError("Name one letter by its id", 2);
  return encodeURIComponent(id);
}
