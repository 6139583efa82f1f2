import { statement } from "@millrace/db";
import type { AlertRule } from "./rule.ts";
import type { AlertState, AlertTurn } from "./step.ts";

export interface AlertRow {
  readonly rule: string;
  readonly state: AlertState["state"];
  readonly since: Date;
  readonly value: number | null;
  readonly seen_at: Date;
  /** `null`: only somebody said something of it, and nobody has looked yet. */
  readonly looked_at: Date | null;
  readonly told_firing: boolean;
  readonly last_event_id: string | null;
  readonly acknowledged_by: string | null;
  readonly acknowledged_at: Date | null;
  readonly silenced_until: Date | null;
  readonly silenced_by: string | null;
  readonly silenced_why: string | null;
}

export interface AlertEvent {
  readonly id: string;
  readonly rule: string;
  readonly at: Date;
  readonly event: AlertTurn;
  readonly severity: AlertRule["severity"];
  readonly value: number | null;
  readonly summary: string;
}

/** Times are the database's, which all processes share. */
export const alertStatements = {
  now: statement<[], { now: Date }>("alerts.now", "SELECT clock_timestamp()::timestamptz(3) AS now"),

  /** One evaluator at a time, also before there are rows to be locked; false while another one is at it. */
  lock: statement<[], { is_ours: boolean }>(
    "alerts.lock",
    "SELECT pg_try_advisory_xact_lock(hashtextextended('millrace:alerts', 0)) AS is_ours",
  ),

  lastLook: statement<[], { looked_at: Date | null; age_ms: number | null }>(
    "alerts.last_look",
    `SELECT max(looked_at) AS looked_at,
            (extract(epoch FROM clock_timestamp() - max(looked_at)) * 1000)::float8 AS age_ms FROM alerts`,
  ),

  list: statement<[], AlertRow>("alerts.list", "SELECT * FROM alerts ORDER BY rule"),

  save: statement<
    [
      rule: string,
      state: AlertState["state"],
      since: Date,
      value: number | null,
      seenAt: Date,
      lookedAt: Date,
      isToldFiring: boolean,
      event: string | null,
    ],
    never
  >(
    "alerts.save",
    `INSERT INTO alerts (rule, state, since, value, seen_at, looked_at, told_firing, last_event_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (rule) DO UPDATE
            SET state = $2, since = $3, value = $4, seen_at = $5, looked_at = $6, told_firing = $7,
                last_event_id = coalesce($8, alerts.last_event_id),
                acknowledged_by = CASE WHEN $2 = 'firing' THEN alerts.acknowledged_by END,
                acknowledged_at = CASE WHEN $2 = 'firing' THEN alerts.acknowledged_at END`,
  ),

  forget: statement<[rule: string], never>("alerts.forget", "DELETE FROM alerts WHERE rule = $1"),

  addEvent: statement<
    [rule: string, at: Date, event: AlertTurn, severity: string, value: number | null, summary: string],
    AlertEvent
  >(
    "alert_events.add",
    `INSERT INTO alert_events (rule, at, event, severity, value, summary) VALUES ($1, $2, $3, $4, $5, $6) RETURNING *`,
  ),

  getEvent: statement<[id: string], AlertEvent>("alert_events.get_by_id", "SELECT * FROM alert_events WHERE id = $1"),

  addDeliveries: statement<[event: string, receivers: readonly string[]], never>(
    "alert_deliveries.add",
    "INSERT INTO alert_deliveries (event_id, target) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
  ),

  undelivered: statement<[], { receiver: string; waiting: number; since: Date; error: string | null }>(
    "alert_deliveries.sum_waiting",
    `SELECT target AS receiver, count(*)::int AS waiting, min(events.at) AS since, max(error) AS error
       FROM alert_deliveries JOIN alert_events AS events ON events.id = event_id
      WHERE delivered_at IS NULL GROUP BY target ORDER BY target`,
  ),

  listRecent: statement<[limit: number], AlertEvent>(
    "alert_events.list_recent",
    "SELECT * FROM alert_events ORDER BY at DESC LIMIT $1",
  ),

  acknowledge: statement<[rule: string, by: string], AlertRow>(
    "alerts.acknowledge",
    `UPDATE alerts SET acknowledged_by = $2, acknowledged_at = clock_timestamp()
      WHERE rule = $1 AND state = 'firing' RETURNING *`,
  ),

  /** For so many minutes; 0 ends it. */
  silence: statement<[rule: string, minutes: number, by: string, why: string | null], AlertRow>(
    "alerts.silence",
    `INSERT INTO alerts AS known (rule, state, since, seen_at, silenced_until, silenced_by, silenced_why)
     SELECT $1, 'ok', now(), now(), until, CASE WHEN until IS NOT NULL THEN $3 END, CASE WHEN until IS NOT NULL THEN $4 END
       FROM (SELECT CASE WHEN $2::float8 > 0 THEN clock_timestamp() + $2::float8 * interval '1 minute' END AS until) AS new
         ON CONFLICT (rule) DO UPDATE
            SET silenced_until = EXCLUDED.silenced_until, silenced_by = EXCLUDED.silenced_by,
                silenced_why = EXCLUDED.silenced_why
     RETURNING *`,
  ),
} as const;
