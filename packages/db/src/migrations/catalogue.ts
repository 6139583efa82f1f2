import type { Db } from "../db.ts";
import { statement } from "../statement.ts";
import { catalogueQuery } from "./catalogue-queries.ts";
import { ledgerTable } from "./ledger.ts";

/** What a database consists of: definitions by `kind name`. */
export type Catalogue = ReadonlyMap<string, string>;

/** So that a definition reads the same whoever asks: names in full, times in UTC. */
const setReading = statement(
  "migrations.set_catalogue_reading",
  `SELECT set_config('search_path', '', true), set_config('timezone', 'UTC', true),
          set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true)`,
);

const listCatalogue = statement<[ledger: string[]], { kind: string; name: string; definition: string }>(
  "migrations.list_catalogue",
  catalogueQuery,
);

export async function readCatalogue(db: Db): Promise<Catalogue> {
  const rows = await db.transaction(async (tx) => {
    await tx.run(setReading, []);
    return await tx.rows(listCatalogue, [[ledgerTable, `${ledgerTable}_pkey`]]);
  });
  return new Map(rows.map(({ kind, name, definition }) => [`${kind} ${name}`, definition]));
}

/** What differs, an object each: `-` as it should be, `+` as it is. Empty when nothing does. */
export function differencesBetween(expected: Catalogue, actual: Catalogue): string[] {
  const keys = [...new Set([...expected.keys(), ...actual.keys()])].sort();
  return keys.flatMap((key) => {
    const [before, after] = [expected.get(key), actual.get(key)];
    if (before === after) return [];
    return [
      ...(before === undefined ? [] : [`- ${key}: ${indented(before)}`]),
      ...(after === undefined ? [] : [`+ ${key}: ${indented(after)}`]),
    ];
  });
}

function indented(definition: string): string {
  return definition.trim().replace(/\n/g, "\n    ");
}
