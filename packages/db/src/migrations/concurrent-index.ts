import type { Db } from "../db.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";

/** What a CREATE INDEX CONCURRENTLY names, unquoted where SQL has a name and as written where it has a path. */
export interface ConcurrentIndex {
  readonly name: string;
  readonly table: string;
  readonly ifNotExists: boolean;
}

const name = String.raw`(?:"(?:[^"]|"")+"|[a-zA-Z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const begins = /^create\s+(?:unique\s+)?index\s+concurrently\b/i;
const form = new RegExp(
  String.raw`^create\s+(?:unique\s+)?index\s+concurrently\s+(?<guard>if\s+not\s+exists\s+)?(?<index>${name})\s+` +
    String.raw`on\s+(?:only\s+)?(?<table>${name}(?:\s*\.\s*${name})*)`,
  "i",
);

export function concurrentIndexOf(code: string): ConcurrentIndex | undefined {
  const { guard, index, table } = form.exec(code)?.groups ?? {};
  if (index === undefined || table === undefined) return undefined;
  return { name: unquoted(index), table, ifNotExists: guard !== undefined };
}

export function isUnnamedConcurrentIndex(code: string): boolean {
  return begins.test(code) && concurrentIndexOf(code) === undefined;
}

function unquoted(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase();
}

/** An index lives in the schema of its table; the cast to `name` cuts long names as PostgreSQL does. */
const findIndex = statement<[index: string, table: string], { schema: string; name: string; isValid: boolean }>(
  "migrations.find_index",
  `SELECT n.nspname AS schema, c.relname AS name, i.indisvalid AS "isValid"
     FROM pg_class t
     JOIN pg_class c ON c.relnamespace = t.relnamespace AND c.relname = $1::name
     JOIN pg_index i ON i.indexrelid = c.oid
     JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.oid = to_regclass($2)`,
);

export type IndexState = "absent" | "valid" | "invalid";

export async function indexState(db: Db, index: ConcurrentIndex): Promise<IndexState> {
  const [found] = await db.rows(findIndex, [index.name, index.table]);
  if (found === undefined) return "absent";
  return found.isValid ? "valid" : "invalid";
}

/** Drops the index, without stopping reads or writes of its table. */
export async function dropIndex(db: Db, index: ConcurrentIndex): Promise<void> {
  const [found] = await db.rows(findIndex, [index.name, index.table]);
  if (found === undefined) return;
  const path = `${identifier(found.schema)}.${identifier(found.name)}`;
  await db.run(statement("migrations.drop_index", `DROP INDEX CONCURRENTLY IF EXISTS ${path}`), []);
}
