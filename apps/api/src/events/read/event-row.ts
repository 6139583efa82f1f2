/** One row as text, exactly as PostgreSQL has it: numbers in JSON and microseconds do not survive `JSON.parse` and `Date`. */
export interface EventRow {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly time_text: string;
  readonly data_text: string | null;
  readonly extensions_text: string | null;
  readonly received_text: string;
}

/** Members that the reply writes itself; an extension with such a name would be a second one. */
export const ownMembers = ["specversion", "id", "source", "type", "subject", "time", "data", "receivedat"];

/** The columns of an `EventRow` from `telemetry_events AS e`. */
export const eventColumns = `
  e.id, e.source, e.type, e.subject,
  ${utcText("e.time")} AS time_text,
  e.data::text AS data_text,
  (e.extensions - '{${ownMembers.join(",")}}'::text[])::text AS extensions_text,
  ${utcText("e.received_at")} AS received_text`;

/** SQL for a timestamp as RFC 3339 in UTC, always with six digits of fraction, so that times sort as text. */
export function utcText(expression: string): string {
  return `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** The event as JSON text in CloudEvents' JSON format, plus `receivedat`. */
export function eventJsonOf(row: EventRow): string {
  const subject = row.subject === null ? "" : `,"subject":${JSON.stringify(row.subject)}`;
  const data = row.data_text === null ? "" : `,"data":${row.data_text}`;
  // The text of an object is spread by leaving out its braces.
  const extensions =
    row.extensions_text === null || row.extensions_text === "{}" ? "" : `,${row.extensions_text.slice(1, -1)}`;
  return `{"specversion":"1.0","id":${JSON.stringify(row.id)},"source":${JSON.stringify(row.source)},"type":${JSON.stringify(
    row.type,
  )}${subject},"time":"${row.time_text}"${extensions},"receivedat":"${row.received_text}"${data}}`;
}

export const csvHeader = "id,source,type,subject,time,data,extensions,receivedat\r\n";

/** The event as one record of CSV (RFC 4180). An empty field stands for an attribute that the event does not have. */
export function csvRecordOf(row: EventRow): string {
  return `${csvField(row.id)},${csvField(row.source)},${csvField(row.type)},${csvField(row.subject)},${
    row.time_text
  },${csvField(row.data_text)},${csvField(row.extensions_text)},${row.received_text}\r\n`;
}

function csvField(text: string | null): string {
  if (text === null) return "";
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
