import { createKey, listKeys, type NewKey, revokeKey } from "@millrace/access";
import type { Db } from "@millrace/db";
import { keyTable } from "./key-table.ts";
import type { KeysCommand } from "./parse-command.ts";

/** Does what the command says and gives the text to print. */
export async function runCommand(db: Db, command: Exclude<KeysCommand, { name: "help" }>): Promise<string> {
  switch (command.name) {
    case "create":
      return await create(db, command.key, command.json);
    case "list": {
      const keys = await listKeys(db);
      if (command.json) return jsonOf(keys);
      return keys.length === 0 ? "There are no keys yet." : keyTable(keys, Date.now()).join("\n");
    }
    case "revoke": {
      const revoked = await revokeKey(db, command.idOrPrefix);
      return command.json ? jsonOf(revoked) : `Revoked ${revoked.prefix}… "${revoked.name}".`;
    }
  }
}

async function create(db: Db, wanted: NewKey, json: boolean): Promise<string> {
  const { id, key, prefix } = await createKey(db, wanted);
  const { name, scopes, expiresAt } = wanted;
  if (json) return jsonOf({ id, key, prefix, name, scopes, expiresAt: expiresAt ?? null });
  return [
    key,
    "",
    "Keep it now: it is shown this once.",
    `Scopes: ${scopes.join(", ")}. Expires: ${expiresAt?.toISOString() ?? "never"}. Id: ${id}`,
  ].join("\n");
}

function jsonOf(document: object): string {
  return JSON.stringify(document, undefined, 2);
}
