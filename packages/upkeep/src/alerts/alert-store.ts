import { type Db, statement } from "@millrace/db";
import type { AlertRule, Observed } from "./rule.ts";
import { type AlertState, type Observation, step } from "./step.ts";

export interface AlertRow {
  readonly rule: string;
  readonly state: AlertState["state"];
  readonly since: Date;
  readonly value: number | null;
  readonly seen_at: Date;
  readonly acknowledged_by: string | null;
  readonly acknowledged_at: Date | null;
  readonly silenced_until: Date | null;
}

export interface AlertEvent {
  readonly id: string;
  readonly rule: string;
  readonly at: Date;
  readonly event: "firing" | "resolved";
  readonly severity: AlertRule["severity"];
  readonly value: number | null;
  readonly summary: string;
}

const statements = {
  now: statement<[], { now: Date }>("alerts.now", "SELECT clock_timestamp()::timestamptz(3) AS now"),
  /** One evaluator at a time, also before there are rows to be locked. */
  lock: statement<[], unknown>(
    "alerts.lock",
    "SELECT pg_advisory_xact_lock(hashtextextended('millrace:alerts', 0))::text",
  ),
  list: statement<[], AlertRow>("alerts.list", "SELECT * FROM alerts ORDER BY rule"),
  save: statement<[rule: string, state: string, since: Date, value: number | null, seenAt: Date], never>(
    "alerts.save",
    `INSERT INTO alerts (rule, state, since, value, seen_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (rule) DO UPDATE
            SET state = $2, since = $3, value = $4, seen_at = $5,
                acknowledged_by = CASE WHEN $2 = 'firing' THEN alerts.acknowledged_by END,
                acknowledged_at = CASE WHEN $2 = 'firing' THEN alerts.acknowledged_at END`,
  ),
  addEvent: statement<
    [rule: string, at: Date, event: string, severity: string, value: number | null, summary: string],
    AlertEvent
  >(
    "alert_events.add",
    `INSERT INTO alert_events (rule, at, event, severity, value, summary) VALUES ($1, $2, $3, $4, $5, $6) RETURNING *`,
  ),
  addDeliveries: statement<[event: string, targets: readonly string[]], never>(
    "alert_deliveries.add",
    "INSERT INTO alert_deliveries (event_id, target) SELECT $1, unnest($2::text[])",
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
  silence: statement<[rule: string, until: Date | null], never>(
    "alerts.silence",
    `INSERT INTO alerts (rule, state, since, seen_at, silenced_until)
     VALUES ($1, 'ok', clock_timestamp(), clock_timestamp(), $2)
         ON CONFLICT (rule) DO UPDATE SET silenced_until = $2`,
  ),
} as const;

/**
 * Looks at every rule once, writes down what became of it, and for whom it is to be told; what is silenced is only
 * written down. All in one transaction, by the database's clock. Gives what happened.
 */
export async function evaluateAlerts(
  db: Db,
  rules: readonly AlertRule[],
  looks: ReadonlyMap<Observed, Observation>,
  targets: readonly string[],
): Promise<AlertEvent[]> {
  return await db.transaction(async (tx) => {
    await tx.rows(statements.lock, []);
    const before = new Map((await tx.rows(statements.list, [])).map((row) => [row.rule, row]));
    const [{ now } = { now: new Date() }] = await tx.rows(statements.now, []);
    const told: AlertEvent[] = [];
    for (const rule of rules) {
      const known = before.get(rule.id);
      const look = looks.get(rule.value) ?? { value: undefined, samples: 0 };
      const { next, event } = step(rule, known && { ...known, seenAt: known.seen_at }, look, now);
      await tx.run(statements.save, [rule.id, next.state, next.since, next.value, next.seenAt]);
      if (event === undefined) continue;
      const { id, severity, summary } = rule;
      const [added] = await tx.rows(statements.addEvent, [id, now, event, severity, next.value, summary]);
      if (added === undefined) continue;
      told.push(added);
      const isSilenced = known?.silenced_until != null && known.silenced_until > now;
      if (!isSilenced && targets.length > 0) await tx.run(statements.addDeliveries, [added.id, targets]);
    }
    return told;
  });
}

/** How each rule stands that was looked at. */
export async function alertStates(db: Db): Promise<AlertRow[]> {
  return await db.rows(statements.list, []);
}

/** What fired and ended, the newest first. */
export async function recentAlertEvents(db: Db, limit: number): Promise<AlertEvent[]> {
  return await db.rows(statements.listRecent, [limit]);
}

/** Notes that somebody is at it, until the alert ends; `undefined` when it does not fire. */
export async function acknowledgeAlert(db: Db, rule: string, by: string): Promise<AlertRow | undefined> {
  return (await db.rows(statements.acknowledge, [rule, by]))[0];
}

/** Nobody is told of it until then; `null`: from now on again. */
export async function silenceAlert(db: Db, rule: string, until: Date | null): Promise<void> {
  await db.run(statements.silence, [rule, until]);
}
