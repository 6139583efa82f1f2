import { type Db, statement } from "@millrace/db";
import type { AlertEvent } from "./alert-store.ts";
import { bodyOf, signatureOf, targetOf, type Webhook } from "./webhook.ts";

interface DueRow extends AlertEvent {
  readonly target: string;
  readonly attempts: number;
}

/** The oldest first: who gets `resolved` before `firing` believes that it fires. */
const listDue = statement<[limit: number], DueRow>(
  "alert_deliveries.list_due",
  `SELECT events.*, due.target, due.attempts::int AS attempts
     FROM alert_deliveries AS due JOIN alert_events AS events ON events.id = due.event_id
    WHERE due.delivered_at IS NULL AND due.next_at <= clock_timestamp() ORDER BY events.at LIMIT $1`,
);

/** It is tried for about a day, at most once in an hour. */
const note = statement<[event: string, target: string, error: string | null], never>(
  "alert_deliveries.note",
  `UPDATE alert_deliveries
      SET attempts = attempts + 1, error = $3::text,
          delivered_at = CASE WHEN $3::text IS NULL OR attempts >= 30 THEN clock_timestamp() END,
          next_at = clock_timestamp() + least(interval '1 hour', 10 * 2 ^ least(attempts, 10) * interval '1 second')
    WHERE event_id = $1 AND target = $2`,
);

export interface DeliverOptions {
  readonly webhooks: readonly Webhook[];
  /** Signs what is sent, unless it is for Slack or Alertmanager, which do not look. */
  readonly secret: string | undefined;
  readonly timeoutMs?: number;
}

/** Tells what is still to be told; gives how many were. What fails is tried again later, for about a day. */
export async function deliverAlerts(db: Db, { webhooks, secret, timeoutMs = 5_000 }: DeliverOptions): Promise<number> {
  const byTarget = new Map(webhooks.map((webhook) => [targetOf(webhook), webhook]));
  let delivered = 0;
  for (const { target, attempts: _, ...event } of await db.rows(listDue, [50])) {
    const webhook = byTarget.get(target);
    const error =
      webhook === undefined ? "the webhook is no longer set" : await send(webhook, event, secret, timeoutMs);
    await db.run(note, [event.id, target, error ?? null]);
    if (error === undefined) delivered += 1;
  }
  return delivered;
}

async function send(
  { kind, url }: Webhook,
  event: AlertEvent,
  secret: string | undefined,
  timeoutMs: number,
): Promise<string | undefined> {
  const body = bodyOf(kind, event);
  const isSigned = secret !== undefined && kind === "json";
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(isSigned && { "millrace-signature": signatureOf(secret, body, new Date()) }),
      },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `it answered ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
