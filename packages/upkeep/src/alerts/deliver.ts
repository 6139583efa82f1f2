import { type Db, statement } from "@millrace/db";
import type { AlertEvent } from "./alert-statements.ts";
import type { Receiver, TellOf } from "./receiver.ts";

interface ClaimedRow extends AlertEvent {
  readonly attempts: number;
}

/**
 * Takes the oldest that is due for a receiver, for so long that no other process sends it too. What a rule did is told
 * in its order: who gets `resolved` before `firing` believes that it fires.
 */
const claim = statement<[receiver: string, leaseMs: number], ClaimedRow>(
  "alert_deliveries.claim",
  `UPDATE alert_deliveries AS due
      SET attempts = due.attempts + 1, next_at = clock_timestamp() + $2 * interval '1 ms'
     FROM alert_events AS events
    WHERE events.id = due.event_id AND due.target = $1 AND due.event_id = (
      SELECT candidate.event_id
        FROM alert_deliveries AS candidate JOIN alert_events AS event ON event.id = candidate.event_id
       WHERE candidate.target = $1 AND candidate.delivered_at IS NULL AND candidate.next_at <= clock_timestamp()
         AND NOT EXISTS (
           SELECT FROM alert_deliveries AS other JOIN alert_events AS earlier ON earlier.id = other.event_id
            WHERE other.target = $1 AND other.delivered_at IS NULL
              AND earlier.rule = event.rule AND earlier.at < event.at)
       ORDER BY event.at LIMIT 1 FOR UPDATE OF candidate SKIP LOCKED)
   RETURNING events.*, due.attempts::float8 AS attempts`,
);

/** It is tried for about a day, at most once in an hour. */
const note = statement<[event: string, receiver: string, error: string | null, waitMs: number], never>(
  "alert_deliveries.note",
  `UPDATE alert_deliveries
      SET error = $3::text, next_at = clock_timestamp() + $4 * interval '1 ms',
          delivered_at = CASE WHEN $3::text IS NULL OR attempts >= 30 THEN clock_timestamp() END
    WHERE event_id = $1 AND target = $2`,
);

/** For who is no longer among the receivers of any process. */
const giveUpOld = statement<[], never>(
  "alert_deliveries.give_up_old",
  `UPDATE alert_deliveries SET delivered_at = clock_timestamp(), error = coalesce(error, 'nobody sent it for a day')
    WHERE delivered_at IS NULL AND next_at < clock_timestamp() - interval '1 day'`,
);

const listTold = statement<[], AlertEvent>(
  "alerts.list_told",
  `SELECT events.* FROM alerts JOIN alert_events AS events ON events.id = alerts.last_event_id
    WHERE state = 'firing' AND told_firing AND (silenced_until IS NULL OR silenced_until <= clock_timestamp())`,
);

const longestMs = 20_000;
const leaseMs = 15_000;

/**
 * Tells what is still to be told; gives how many were. What fails is tried again later, for about a day. It takes no
 * longer than half a minute, so that the next look is not kept waiting by a receiver that hangs.
 */
export async function deliverAlerts(
  db: Db,
  receivers: readonly Receiver[],
  tellOf: TellOf,
  onRefusal: (error: Error) => void = () => {},
): Promise<number> {
  await db.run(giveUpOld, []);
  const until = performance.now() + longestMs;
  const delivered = await Promise.all(receivers.map((receiver) => deliverTo(db, receiver, tellOf, until, onRefusal)));
  return delivered.reduce((sum, count) => sum + count, 0);
}

/** The first failure ends it: who does not take this one will not take the next. */
async function deliverTo(
  db: Db,
  receiver: Receiver,
  tellOf: TellOf,
  until: number,
  onRefusal: (error: Error) => void,
): Promise<number> {
  let delivered = 0;
  while (performance.now() < until) {
    const [claimed] = await db.rows(claim, [receiver.id, leaseMs]);
    if (claimed === undefined) break;
    const { attempts, ...event } = claimed;
    const refusal = await receiver.take(tellOf(event));
    await db.run(note, [event.id, receiver.id, refusal?.error ?? null, waitMs(attempts, refusal?.retryAfterMs)]);
    if (refusal !== undefined) {
      onRefusal(new Error(`${receiver.id} did not take the alert ${event.rule}: ${refusal.error}`));
      return delivered;
    }
    delivered += 1;
  }
  if (receiver.remind !== undefined) {
    const firing = await db.rows(listTold, []);
    // What is refused here is sent again with the next look.
    if (firing.length > 0) await receiver.remind(firing.map(tellOf));
  }
  return delivered;
}

/** 10 s, doubled each time up to an hour; longer if the receiver asked for it, up to an hour as well. */
function waitMs(attempts: number, retryAfterMs = 0): number {
  const hourMs = 3_600_000;
  return Math.min(hourMs, Math.max(10_000 * 2 ** Math.min(attempts - 1, 10), retryAfterMs));
}
