import type { Position } from "./page-cursor.ts";

/** Which events are asked for. Times are RFC 3339 text in UTC; `data` is JSON text. */
export interface EventFilter {
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly data?: string | undefined;
  /** Exactly this time. */
  readonly at?: string | undefined;
  /** Only events that come after this one in the order of the list, newest first. */
  readonly before?: Position | undefined;
}

export interface Conditions {
  /** `WHERE …`, or nothing if every event is asked for. */
  readonly where: string;
  readonly params: string[];
}

/**
 * The filter as conditions on `telemetry_events`, only those in use, so that the planner sees no
 * `$1 IS NULL OR …` that would cost it the index. The text is put together from the fragments below and nothing else.
 */
export function conditionsOf(filter: EventFilter): Conditions {
  const conditions: string[] = [];
  const params: string[] = [];
  const add = (value: string | undefined, condition: (parameter: string) => string): void => {
    if (value === undefined) return;
    params.push(value);
    conditions.push(condition(`$${params.length}`));
  };
  add(filter.id, (id) => `id = ${id}`);
  add(filter.source, (source) => `source = ${source}`);
  add(filter.type, (type) => `type = ${type}`);
  add(filter.subject, (subject) => `subject = ${subject}`);
  add(filter.data, (data) => `data @> ${data}::jsonb`);
  add(filter.at, (time) => `time = ${time}::timestamptz`);
  add(filter.from, (from) => `time >= ${from}::timestamptz`);
  add(filter.to, (to) => `time < ${to}::timestamptz`);
  if (filter.before !== undefined) {
    const { time, id, source } = filter.before;
    const first = params.push(time, id, source) - 2;
    const row = `$${first}::timestamptz, $${first + 1}, $${first + 2}`;
    // The row comparison alone leaves no partition out; the first condition does.
    conditions.push(`time <= $${first}::timestamptz`, `(time, id, source) < (${row})`);
  }
  return { where: conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`, params };
}
