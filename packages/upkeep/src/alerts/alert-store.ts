import type { Db } from "@millrace/db";
import { type AlertEvent, type AlertRow, alertStatements as sql } from "./alert-statements.ts";

export interface Undelivered {
  /** `log`, or in whose words and a hash of the address, which may be a secret. */
  readonly receiver: string;
  readonly waiting: number;
  readonly since: Date;
  /** What the last try came to; `null` before the first. */
  readonly error: string | null;
}

/** How each rule stands that was looked at or silenced. A silence that is over is not shown any more. */
export async function alertStates(db: Db): Promise<AlertRow[]> {
  const [{ now } = { now: new Date() }] = await db.rows(sql.now, []);
  const rows = await db.rows(sql.list, []);
  return rows.map((row) => (row.silenced_until === null || row.silenced_until > now ? row : withoutSilence(row)));
}

function withoutSilence(row: AlertRow): AlertRow {
  return { ...row, silenced_until: null, silenced_by: null, silenced_why: null };
}

/** What fired and ended, the newest first. */
export async function recentAlertEvents(db: Db, limit: number): Promise<AlertEvent[]> {
  return await db.rows(sql.listRecent, [limit]);
}

/** Who is still to be told of how much, and what kept them from it. */
export async function undeliveredAlerts(db: Db): Promise<Undelivered[]> {
  return await db.rows(sql.undelivered, []);
}

/** Notes that somebody is at it, until the alert ends; `undefined` when it does not fire. */
export async function acknowledgeAlert(db: Db, rule: string, by: string): Promise<AlertRow | undefined> {
  return (await db.rows(sql.acknowledge, [rule, by]))[0];
}

export interface Silence {
  /** From now on; 0 ends a silence. */
  readonly minutes: number;
  readonly by: string;
  readonly why: string | null;
}

/** Nobody is told of it for so long. If it fires when that is over, it is told then. */
export async function silenceAlert(db: Db, rule: string, { minutes, by, why }: Silence): Promise<AlertRow | undefined> {
  return (await db.rows(sql.silence, [rule, minutes, by, why]))[0];
}

/** How long ago somebody looked at the alerts, and when that was; `undefined` if nobody ever did. */
export async function lastLook(db: Db): Promise<{ readonly at: Date; readonly ageMs: number } | undefined> {
  const [row] = await db.rows(sql.lastLook, []);
  if (row?.looked_at == null || row.age_ms === null) return undefined;
  return { at: row.looked_at, ageMs: row.age_ms };
}
