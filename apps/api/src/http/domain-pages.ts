import { z } from "zod";
import { nextOf } from "../events/read/next-link.ts";
import { cursorOf } from "../events/read/page-cursor.ts";

/** Query parameters of a list of the domain. */
export const pageParams = {
  limit: z.coerce.number().int().min(1).max(500).default(50).describe("Most rows of a page"),
  cursor: z.string().optional().describe("Where the page before ended, from its next; the filters must be the same"),
};

export interface ListPage<Row> {
  readonly path: string;
  readonly filters: Readonly<Record<string, string | undefined>>;
  readonly limit: number;
  /** By which the list is ordered, within the time of creation. */
  readonly idOf: (row: Row) => string;
}

/** The first `limit` of the rows, of which one more was asked for, and the address of the page after them. */
export function pageOf<Row extends { readonly created_at: string }>(
  rows: readonly Row[],
  { path, filters, limit, idOf }: ListPage<Row>,
): { shown: Row[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  if (last === undefined) return { shown, next: null };
  const cursor = cursorOf({ time: last.created_at, id: idOf(last), source: "" }, { ...filters, list: path });
  return { shown, next: nextOf(path, { ...filters, limit: String(limit), cursor }) };
}
