import { type Db, statement } from "@millrace/db";
import { utcText } from "../events/read/event-row.ts";

export interface DeadLetterRow {
  readonly id: string;
  readonly queue: string;
  readonly job_name: string;
  readonly reason_code: string;
  readonly sqlstate: string | null;
  readonly message: string;
  readonly payload: string;
  readonly attempts: number;
  /** UTC, RFC 3339 with six digits, as it is sorted by. */
  readonly created: string;
  readonly redriven: string | null;
}

export interface DeadLetterFilter {
  /** `waiting` for somebody to decide, or `redriven`: put into the queue again. */
  readonly state?: "waiting" | "redriven" | undefined;
  readonly queue?: string | undefined;
  readonly reason?: string | undefined;
  /** Only letters from before this time. */
  readonly before?: string | undefined;
}

const columns = `id, queue, job_name, reason_code, sqlstate, message, payload, attempts,
  ${utcText("created_at")} AS created, ${utcText("redriven_at")} AS redriven`;

/** `NULL` in a parameter means that the filter is not used. */
const matches = `($1::text IS NULL OR ($1 = 'waiting') = (redriven_at IS NULL)) AND ($2::text IS NULL OR queue = $2)
  AND ($3::text IS NULL OR reason_code = $3) AND ($4::timestamptz IS NULL OR created_at < $4)`;

type FilterParams = readonly [state: string | null, queue: string | null, reason: string | null, before: string | null];

function paramsOf({ state, queue, reason, before }: DeadLetterFilter): FilterParams {
  return [state ?? null, queue ?? null, reason ?? null, before ?? null];
}

const listRecent = statement<
  readonly [...FilterParams, created: string | null, id: string | null, limit: number],
  DeadLetterRow
>(
  "dead_letters.list_recent",
  `SELECT ${columns} FROM dead_letters
    WHERE ${matches} AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6::uuid))
    ORDER BY created_at DESC, id DESC LIMIT $7`,
);

/** Newest first, those after `after`. */
export async function listDeadLetters(
  db: Db,
  filter: DeadLetterFilter,
  { after, limit }: { after: { created: string; id: string } | undefined; limit: number },
): Promise<DeadLetterRow[]> {
  return await db.rows(listRecent, [...paramsOf(filter), after?.created ?? null, after?.id ?? null, limit]);
}

const getById = statement<[id: string], DeadLetterRow>(
  "dead_letters.get_by_id",
  `SELECT ${columns} FROM dead_letters WHERE id = $1`,
);

export async function getDeadLetter(db: Db, id: string): Promise<DeadLetterRow | undefined> {
  return (await db.rows(getById, [id]))[0];
}

const listWaiting = statement<[queue: string, reason: string | null, limit: number], DeadLetterRow>(
  "dead_letters.list_waiting",
  `SELECT ${columns} FROM dead_letters
    WHERE queue = $1 AND redriven_at IS NULL AND ($2::text IS NULL OR reason_code = $2)
    ORDER BY created_at, id LIMIT $3`,
);

/** The oldest that wait in a queue. */
export async function listWaitingDeadLetters(
  db: Db,
  { queue, reason, limit }: { queue: string; reason: string | undefined; limit: number },
): Promise<DeadLetterRow[]> {
  return await db.rows(listWaiting, [queue, reason ?? null, limit]);
}

const markRedriven = statement<[ids: readonly string[]], never>(
  "dead_letters.mark_redriven",
  "UPDATE dead_letters SET redriven_at = now() WHERE id = ANY($1::uuid[])",
);

export async function markDeadLettersRedriven(db: Db, ids: readonly string[]): Promise<number> {
  return await db.run(markRedriven, [ids]);
}

const deleteByIds = statement<[ids: readonly string[]], never>(
  "dead_letters.delete_by_ids",
  "DELETE FROM dead_letters WHERE id = ANY($1::uuid[])",
);

const deleteMatching = statement<readonly [...FilterParams, limit: number], never>(
  "dead_letters.delete_matching",
  `DELETE FROM dead_letters WHERE id IN (
     SELECT id FROM dead_letters WHERE ${matches} ORDER BY created_at, id LIMIT $5)`,
);

/** Deletes for good, the oldest first; gives how many. */
export async function purgeDeadLetters(
  db: Db,
  what: { readonly ids: readonly string[] } | { readonly filter: DeadLetterFilter; readonly limit: number },
): Promise<number> {
  if ("ids" in what) return await db.run(deleteByIds, [what.ids]);
  return await db.run(deleteMatching, [...paramsOf(what.filter), what.limit]);
}
