import type { Db } from "@millrace/db";
import { copyRowOf, fieldsOf, monthOf } from "@millrace/events";
import type { Queues } from "@millrace/jobs";
import { EventError, parseEvent } from "../events/parse-event.ts";
import { parseJson } from "../events/parse-json.ts";
import { HttpProblem, unavailable } from "../http/problem.ts";
import { type DeadLetterRow, markDeadLettersRedriven } from "./dead-letter-statements.ts";

export interface RedriveNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "enqueue">;
}

/** Letters with a row that was to be stored; the others hold what nobody could read. */
export function isRedrivable({ reason_code }: DeadLetterRow): boolean {
  return reason_code === "refused_by_database";
}

/**
 * Puts the letters' rows into the queue again, all in one job, and then says so in the letters. Dying in
 * between leaves letters that wait and whose rows are stored: redriving them once more changes nothing,
 * because a row is stored once for its key. A row that is refused again makes its letter wait again.
 */
export async function redrive({ db, queues }: RedriveNeeds, letters: readonly DeadLetterRow[]): Promise<number> {
  const rows = letters.map(({ payload }) => payload);
  await enqueueRows(queues, rows);
  return await markDeadLettersRedriven(
    db,
    letters.map(({ id }) => id),
  );
}

/**
 * Puts another event in the place of a letter's. What the editor leaves out of `id`, `source` and `time`
 * stays what it was, so that a second try of the sender finds the event already there. Throws 422 when
 * it cannot be stored either.
 */
export async function redriveEdited({ db, queues }: RedriveNeeds, letter: DeadLetterRow, event: object): Promise<void> {
  const [id, source, , , time, , , receivedAt = new Date().toISOString()] = fieldsOf(letter.payload);
  const original = isRedrivable(letter) ? { id, source, time } : {};
  await enqueueRows(queues, [editedRowOf({ ...original, ...event }, receivedAt)]);
  await markDeadLettersRedriven(db, [letter.id]);
}

function editedRowOf(event: object, receivedAt: string): string {
  try {
    return copyRowOf(parseEvent(event, receivedAt), receivedAt);
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    throw new HttpProblem({ status: 422, code: error.code, detail: error.message });
  }
}

async function enqueueRows(queues: Pick<Queues, "enqueue">, rows: readonly string[]): Promise<void> {
  const months = [...new Set(rows.map((row) => monthOf(fieldsOf(row)[4] ?? "")))];
  const payload = { rows: rows.join(""), count: rows.length, months, receivedAt: Date.now() };
  await queues.enqueue("importEvents", payload).catch((error: unknown) => {
    throw unavailable("queue_unavailable", "The queue is not available; try again", error);
  });
}

/** The event as it was sent, as far as it can be read. */
export function eventOfLetter(letter: DeadLetterRow): unknown {
  if (!isRedrivable(letter)) return readable(letter.payload);
  const [id, source, type, subject, time, data, extensions, receivedat] = fieldsOf(letter.payload);
  const further = readable(extensions);
  return {
    id,
    source,
    type,
    subject,
    time,
    ...(typeof further === "object" ? further : {}),
    receivedat,
    data: readable(data),
  };
}

/** What is no JSON is shown as the text that it is. */
function readable(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
