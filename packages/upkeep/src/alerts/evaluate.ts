import type { Db } from "@millrace/db";
import { type AlertEvent, type AlertRow, alertStatements as sql } from "./alert-statements.ts";
import type { AlertRule, Observed } from "./rule.ts";
import { type AlertState, type AlertTurn, type Observation, step } from "./step.ts";

/** What was seen, and when that was, by the database's clock. */
export interface Looks {
  readonly at: Date;
  readonly values: ReadonlyMap<Observed, Observation>;
}

const nothing: Observation = { value: undefined, samples: 0 };

/**
 * Holds what was seen against every rule, writes down what became of it, and for whom it is to be told: all of it in
 * one transaction, or nothing. Gives what happened; `undefined` if another process was at it meanwhile, or has looked
 * later than that.
 */
export async function evaluateAlerts(
  db: Db,
  rules: readonly AlertRule[],
  looks: Looks,
  receivers: readonly string[],
): Promise<AlertEvent[] | undefined> {
  return await db.transaction(async (tx) => {
    const [lock] = await tx.rows(sql.lock, []);
    if (lock?.is_ours !== true || (await isOvertaken(tx, looks.at))) return undefined;
    const before = new Map((await tx.rows(sql.list, [])).map((row) => [row.rule, row]));
    const happened: AlertEvent[] = [];
    for (const rule of rules) {
      const row = before.get(rule.id);
      const isSilenced = row?.silenced_until != null && row.silenced_until > looks.at;
      const taken = step(rule, stateOf(row), looks.values.get(rule.value) ?? nothing, looks.at, isSilenced);
      const event = taken.event && (await addEvent(tx, rule, looks.at, taken.event, taken.next.value));
      if (event !== undefined) happened.push(event);
      if (taken.tell !== undefined) {
        const told = event ?? (await keptBack(tx, rule, row, looks.at, taken.tell, taken.next.value));
        await tx.run(sql.addDeliveries, [told.id, receivers]);
      }
      const { state, since, value, seenAt, lookedAt, isToldFiring } = taken.next;
      await tx.run(sql.save, [rule.id, state, since, value, seenAt, lookedAt, isToldFiring, event?.id ?? null]);
      before.delete(rule.id);
    }
    for (const row of before.values()) happened.push(...(await endRuleless(tx, row, looks.at, receivers)));
    return happened;
  });
}

/** A clock that was set back overtakes nobody: what lies in its future was not looked at later. */
async function isOvertaken(tx: Db, at: Date): Promise<boolean> {
  const [last] = await tx.rows(sql.lastLook, []);
  return last?.looked_at != null && last.looked_at >= at && (last.age_ms ?? 0) >= 0;
}

function stateOf(row: AlertRow | undefined): AlertState | undefined {
  if (row === undefined || row.looked_at === null) return undefined;
  const { state, since, value, seen_at: seenAt, looked_at: lookedAt, told_firing: isToldFiring } = row;
  return { state, since, value, seenAt, lookedAt, isToldFiring };
}

async function addEvent(
  tx: Db,
  { id, severity, summary }: Pick<AlertRule, "id" | "severity" | "summary">,
  at: Date,
  turn: AlertTurn,
  value: number | null,
): Promise<AlertEvent> {
  const [added] = await tx.rows(sql.addEvent, [id, at, turn, severity, value, summary]);
  if (added === undefined) throw new Error("INSERT … RETURNING gave no row");
  return added;
}

/** What happened while it was silenced, and is told now. */
async function keptBack(
  tx: Db,
  rule: AlertRule,
  row: AlertRow | undefined,
  at: Date,
  turn: AlertTurn,
  value: number | null,
): Promise<AlertEvent> {
  const [event] = row?.last_event_id == null ? [] : await tx.rows(sql.getEvent, [row.last_event_id]);
  return event?.event === turn ? event : await addEvent(tx, rule, at, turn, value);
}

/** A rule that was turned off while it fired has ended, for those who were told of it too. */
async function endRuleless(tx: Db, row: AlertRow, at: Date, receivers: readonly string[]): Promise<AlertEvent[]> {
  if (row.looked_at === null) return [];
  await tx.run(sql.forget, [row.rule]);
  if (row.state !== "firing" && !row.told_firing) return [];
  const rule = { id: row.rule, severity: "warning", summary: "The rule was turned off" } as const;
  const event = await addEvent(tx, rule, at, "resolved", row.value);
  if (row.told_firing) await tx.run(sql.addDeliveries, [event.id, receivers]);
  return [event];
}
