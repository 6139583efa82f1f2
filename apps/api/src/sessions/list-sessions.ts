import type { Db } from "@millrace/db";
import { newest, type SessionRow, type SessionState, sessionStatements } from "@millrace/domain";

export interface SessionFilter {
  /** On either side. */
  readonly address?: string | undefined;
  readonly state?: SessionState | undefined;
  readonly reported?: boolean | undefined;
  /** Created then or later, in RFC 3339. */
  readonly from?: string | undefined;
  /** Created before then. */
  readonly to?: string | undefined;
}

export interface After {
  readonly time: string;
  readonly id: string;
}

const noId = "00000000-0000-0000-0000-000000000000";

/** Up to `limit` sessions, newest first, that come after the one that was shown last. */
export async function listSessions(
  db: Pick<Db, "rows">,
  { address, state, reported, from, to }: SessionFilter,
  { after, limit }: { after?: After | undefined; limit: number },
): Promise<SessionRow[]> {
  const begin = after ?? (to === undefined ? newest : { time: to, id: noId });
  const page: [string, string, number] = [begin.time, begin.id, limit];
  const rows = await (address !== undefined
    ? db.rows(sessionStatements.listByAddress, [address, state ?? null, reported ?? null, ...page])
    : reported === true
      ? db.rows(sessionStatements.listReported, page)
      : state !== undefined
        ? db.rows(sessionStatements.listByState, [state, ...page])
        : db.rows(sessionStatements.listRecent, page));
  const since = from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from);
  return rows.filter(({ created_at }) => created_at.getTime() >= since);
}
