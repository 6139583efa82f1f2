import { statement } from "@millrace/db";

export interface UserRow {
  readonly address: string;
  readonly display_name: string | null;
  readonly profile: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly last_seen_at: Date;
  /** A bigint, as text. */
  readonly version: string;
}

/** Lists take a cursor: the time and the address of the last row seen, or `newest` for the first page. */
type Page = [beforeTime: Date | string, beforeAddress: string, limit: number];

export const userStatements = {
  getByAddress: statement<[address: string], UserRow>("users.get_by_address", `SELECT * FROM users WHERE address = $1`),

  /** By the beginning of the name, in any case; the cursor is the last row's name in lower case, and its address. */
  searchByName: statement<
    [prefix: string, afterName: string, afterAddress: string, limit: number],
    UserRow & { readonly sort_name: string }
  >(
    "users.search_by_name",
    `SELECT *, lower(display_name) COLLATE "C" AS sort_name
       FROM users
      WHERE lower(display_name) COLLATE "C" ^@ lower($1)
        AND (lower(display_name) COLLATE "C", address) > ($2, $3)
      ORDER BY lower(display_name) COLLATE "C", address
      LIMIT $4`,
  ),

  listNewest: statement<Page, UserRow>(
    "users.list_newest",
    `SELECT * FROM users
      WHERE (created_at, address) < ($1, $2)
      ORDER BY created_at DESC, address DESC
      LIMIT $3`,
  ),

  listRecentlySeen: statement<Page, UserRow>(
    "users.list_recently_seen",
    `SELECT * FROM users
      WHERE (last_seen_at, address) < ($1, $2)
      ORDER BY last_seen_at DESC, address DESC
      LIMIT $3`,
  ),

  /** Notes that the user was here, at most once a minute so that a busy user does not cost a write a request. */
  see: statement<[address: string], never>(
    "users.see",
    `INSERT INTO users (address) VALUES ($1)
     ON CONFLICT (address) DO UPDATE SET last_seen_at = now()
       WHERE users.last_seen_at < now() - interval '1 minute'`,
  ),
} as const;
