import { type Db, statement } from "@millrace/db";
import type { TableFacts } from "./backup-record.ts";

/** Tables with rows of their own; partitioned ones have theirs in their parts. */
const listTables = statement<[], { name: string; rows: number }>(
  "backup.list_tables",
  `SELECT format('%I.%I', nspname, relname) AS name, greatest(reltuples, 0)::float8 AS rows
     FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind = 'r' AND relpersistence = 'p' AND nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1`,
);

/** What decides how a value is written, so that two servers write the same one alike. */
const pinSettings = statement<[], never>(
  "backup.pin_settings",
  `SELECT set_config(name, value, true)
     FROM (VALUES ('timezone', 'UTC'), ('datestyle', 'ISO, MDY'), ('intervalstyle', 'postgres'), ('bytea_output', 'hex'),
                  ('extra_float_digits', '1'), ('lc_monetary', 'C'), ('xmloption', 'content'), ('search_path', ''),
                  ('row_security', 'off')) AS pinned (name, value)`,
);

/** Reading more takes longer than it is worth. */
const maxHashedRows = 20_000_000;

export async function tableNames(db: Db): Promise<string[]> {
  return (await db.rows(listTables, [])).map(({ name }) => name);
}

/** Sees to it that none of them is dropped or emptied before the transaction ends. It does not begin its snapshot. */
export async function lockTables(tx: Db, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  // The names come quoted from the catalogue.
  const only = names.map((name) => `ONLY ${name}`).join(", ");
  await tx.run(statement<[], never>("backup.lock_tables", `LOCK TABLE ${only} IN ACCESS SHARE MODE`), []);
}

/** What is in each table, in a transaction of its own unless it is in one. */
export async function readTableFacts(
  db: Db,
  onTable: (name: string) => void = () => {},
): Promise<Record<string, TableFacts>> {
  return await db.transaction(async (tx) => {
    await tx.run(pinSettings, []);
    const facts: Record<string, TableFacts> = {};
    for (const { name, rows } of await tx.rows(listTables, [])) {
      onTable(name);
      const hash = rows > maxHashedRows ? "NULL" : "coalesce(sum(hashtextextended(t::text, 0)), 0)::text";
      // The name comes quoted from the catalogue.
      const read = statement<[], { rows: string; hash: string | null }>(
        "backup.read_table",
        `SELECT count(*) AS rows, ${hash} AS hash FROM ONLY ${name} AS t`,
      );
      const [row] = await tx.rows(read, []);
      facts[name] = { rows: Number(row?.rows ?? 0), hash: row?.hash ?? null };
    }
    return facts;
  });
}

/** The tables that are not what they were, with what they were and are. */
export function differencesOf(
  before: Readonly<Record<string, TableFacts>>,
  after: Readonly<Record<string, TableFacts>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (was === undefined) return `${name} is there and was not`;
    if (is === undefined) return `${name} is missing`;
    if (was.rows !== is.rows) return `${name} has ${is.rows} rows instead of ${was.rows}`;
    const isCompared = was.hash !== null && is.hash !== null;
    return isCompared && was.hash !== is.hash ? `${name} has other rows` : [];
  });
}
