import { z } from "zod";
import { nextOf } from "../events/read/next-link.ts";
import { cursorOf } from "../events/read/page-cursor.ts";

/** Query parameters of a list of the domain. */
export const pageParams = {
  limit: z.coerce.number().int().min(1).max(500).default(50).describe("Most rows of a page"),
  cursor: z.string().optional().describe("Where the page before ended, from its next; the filters must be the same"),
};

/** The address of the page after this row. */
export function nextPage(
  path: string,
  filters: Readonly<Record<string, string | undefined>>,
  limit: number,
  { created_at, id }: { readonly created_at: string; readonly id: string },
): string {
  const cursor = cursorOf({ time: created_at, id, source: "" }, { ...filters, list: path });
  return nextOf(path, { ...filters, limit: String(limit), cursor });
}
