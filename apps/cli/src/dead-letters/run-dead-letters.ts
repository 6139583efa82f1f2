import { readFile } from "node:fs/promises";
import process from "node:process";
import { z } from "zod";
import { type CallApi, createApiCalls } from "../call-api.ts";
import { CommandError, say } from "../command-error.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { loadApiConfig } from "../config.ts";
import { deadLettersCommand } from "./declaration.ts";

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
  return await runDeclared(deadLettersCommand, args, async ({ subcommand, values, positionals: ids }) => {
    const { url, key } = await loadApiConfig(process.env);
    const call = createApiCalls(values.url ?? url, key);
    const { all, reason, state, before } = values;
    switch (subcommand) {
      case "list":
        return await list(call, { state, reason, limit: values.limit }, values.json);
      case "show":
        return say(JSON.stringify(letter.parse(await call("GET", `${base}/${only(ids)}`)), undefined, 2), 0);
      case "redrive":
        return await repeat(call, "redrive", chosen(ids, all, { reason }), values.json);
      case "edit":
        return await edit(call, only(ids), values);
      case "purge": {
        const what = chosen(ids, all, { state, reason, before });
        if (all && !values.yes) throw new CommandError("This deletes them for good; say so with --yes", 2);
        return await repeat(call, "purge", what, values.json);
      }
    }
  });
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

async function edit(
  call: CallApi,
  id: string,
  { file, json }: { readonly file: string | undefined; readonly json: boolean },
): Promise<number> {
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
  return say(json ? JSON.stringify({ redriven: 1, purged: 0 }) : "Redriven: 1", 0);
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
