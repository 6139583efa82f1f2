import { type Db, statement } from "@millrace/db";
import type { TableFacts } from "./backup-record.ts";

/** Tables with rows of their own; partitioned ones have theirs in their parts. */
const listTables = statement<[], { name: string; rows: number }>(
  "backup.list_tables",
  `SELECT oid::regclass::text AS name, greatest(reltuples, 0)::float8 AS rows
     FROM pg_class
    WHERE relkind = 'r' AND relpersistence = 'p'
      AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    ORDER BY 1`,
);

/** Reading more takes longer than it is worth. */
const maxHashedRows = 20_000_000;

/** What is in each table, as of the transaction's snapshot. */
export async function readTableFacts(
  tx: Db,
  onTable: (name: string) => void = () => {},
): Promise<Record<string, TableFacts>> {
  const facts: Record<string, TableFacts> = {};
  for (const { name, rows } of await tx.rows(listTables, [])) {
    onTable(name);
    const hash = rows > maxHashedRows ? "NULL" : "coalesce(sum(hashtextextended(t::text, 0)), 0)::text";
    // The name comes quoted from the catalogue.
    const read = statement<[], { rows: string; hash: string | null }>(
      "backup.read_table",
      `SELECT count(*) AS rows, ${hash} AS hash FROM ${name} AS t`,
    );
    const [row] = await tx.rows(read, []);
    facts[name] = { rows: Number(row?.rows ?? 0), hash: row?.hash ?? null };
  }
  return facts;
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
    return was.hash === is.hash ? [] : `${name} has other rows`;
  });
}
