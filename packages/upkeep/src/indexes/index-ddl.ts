import { createHash } from "node:crypto";
import { type Db, identifier, statement } from "@millrace/db";

/** A part of a partitioned table; names as SQL writes them, and bare. */
interface Part {
  readonly table: string;
  readonly name: string;
}

/** The partitioned tables of a database with the parts right below each. */
export type PartitionTree = ReadonlyMap<string, readonly Part[]>;

const listParts = statement<[], { table: string; parts: readonly Part[] }>(
  "indexes.list_parts",
  `SELECT t.oid::regclass::text AS table,
          coalesce(jsonb_agg(jsonb_build_object('table', part.oid::regclass::text, 'name', part.relname)
                             ORDER BY part.relname) FILTER (WHERE part.oid IS NOT NULL), '[]') AS parts
     FROM pg_class AS t
     LEFT JOIN pg_inherits ON inhparent = t.oid AND NOT inhdetachpending
     LEFT JOIN pg_class AS part ON part.oid = inhrelid
    WHERE t.relkind = 'p' GROUP BY t.oid`,
);

export async function readPartitionTree(db: Db): Promise<PartitionTree> {
  return new Map((await db.rows(listParts, [])).map(({ table, parts }) => [table, parts]));
}

export interface IndexText {
  readonly isUnique: boolean;
  /** Its bare name; it is in the schema of its table. */
  readonly index: string;
  /** As SQL writes it. */
  readonly table: string;
  /** From the method or the columns on. */
  readonly rest: string;
}

/**
 * How an index is made while others write. On a partitioned table PostgreSQL cannot do that by itself: the index is
 * declared there alone, built on each part, and attached; with the last one it becomes valid.
 */
export function creationOf(tree: PartitionTree, { isUnique, index, table, rest }: IndexText): string[] {
  const create = isUnique ? "CREATE UNIQUE INDEX" : "CREATE INDEX";
  const parts = tree.get(table);
  if (parts === undefined) return [`${create} CONCURRENTLY ${identifier(index)} ON ${table} ${rest}`];
  const own = `${schemaOf(table)}${identifier(index)}`;
  const steps = parts.flatMap((part) => {
    const name = partIndexOf(part.name, bareName(table), index);
    return [
      ...creationOf(tree, { isUnique, index: name, table: part.table, rest }),
      `ALTER INDEX ${own} ATTACH PARTITION ${schemaOf(part.table)}${identifier(name)}`,
    ];
  });
  return [`${create} ${identifier(index)} ON ONLY ${table} ${rest}`, ...steps];
}

/** How an index is taken away. Of a partitioned table that cannot be done concurrently, only under a short lock. */
export function dropOf(tree: PartitionTree, { table, index }: Pick<IndexText, "table" | "index">): string {
  return `DROP INDEX ${tree.has(table) ? "" : "CONCURRENTLY "}${schemaOf(table)}${identifier(index)}`;
}

const name = String.raw`(?:"(?:[^"]|"")+"|\w+)`;
const creationPattern = new RegExp(
  `^CREATE (?<unique>UNIQUE )?INDEX (?:CONCURRENTLY )?(?<index>${name}) ON (?<only>ONLY )?(?<table>(?:${name}\\.)?${name}) (?<rest>.*)$`,
  "s",
);
const tablePattern = new RegExp(`^(?<schema>${name}\\.)?(?<name>${name})$`);

/** The parts of a CREATE INDEX, as PostgreSQL or `creationOf` writes it; `undefined` for any other text. */
export function parseCreation(text: string): (IndexText & { readonly isOnly: boolean }) | undefined {
  const { unique, index = "", only, table = "", rest = "" } = creationPattern.exec(text)?.groups ?? {};
  if (index === "") return undefined;
  return { isUnique: unique !== undefined, index: bare(index), table, rest, isOnly: only !== undefined };
}

/** With its point, or nothing. */
export function schemaOf(table: string): string {
  return tablePattern.exec(table)?.groups?.["schema"] ?? "";
}

export function bareName(table: string): string {
  return bare(tablePattern.exec(table)?.groups?.["name"] ?? table);
}

function bare(quoted: string): string {
  return quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
}

/** PostgreSQL cuts longer names off, so that two could become one. */
const maxNameBytes = 63;

export function cutName(full: string): string {
  if (Buffer.byteLength(full) <= maxNameBytes) return full;
  const hash = createHash("sha256").update(full).digest("hex").slice(0, 8);
  let head = full;
  while (Buffer.byteLength(head) > maxNameBytes - hash.length - 1) head = head.slice(0, -1);
  return `${head}_${hash}`;
}

function partIndexOf(part: string, table: string, index: string): string {
  return cutName(`${part}_${index.startsWith(`${table}_`) ? index.slice(table.length + 1) : index}`);
}
