import type { TelemetryEvent } from "./event.ts";

/** The columns of `telemetry_events` and of its quarantine, in the order in which rows are written. */
export const eventColumns = ["id", "source", "type", "subject", "time", "data", "extensions", "received_at"] as const;

const absent = "\\N";

/**
 * The event as one line of COPY's text format, line feed included (PostgreSQL, "COPY", File Formats).
 * Attributes hold no control characters and JSON text none unescaped, so that of the characters with
 * a meaning to COPY only the backslash can occur.
 */
export function copyRowOf(event: TelemetryEvent, receivedAt: string): string {
  const { subject, dataJson, extensionsJson } = event;
  return `${escaped(event.id)}\t${escaped(event.source)}\t${escaped(event.type)}\t${
    subject === undefined ? absent : escaped(subject)
  }\t${event.time}\t${dataJson === undefined ? absent : escaped(dataJson)}\t${
    extensionsJson === undefined ? absent : escaped(extensionsJson)
  }\t${receivedAt}\n`;
}

function escaped(text: string): string {
  return text.includes("\\") ? text.replaceAll("\\", "\\\\") : text;
}

/** The fields of one line that `copyRowOf` wrote; `undefined` stands for NULL. */
export function fieldsOf(line: string): (string | undefined)[] {
  return line
    .replace(/\n$/, "")
    .split("\t")
    .map((field) => (field === absent ? undefined : field.replaceAll("\\\\", "\\")));
}

/** The UTC month of an event's `time`, `YYYY-MM`. */
export function monthOf(time: string): string {
  return time.slice(0, 7);
}

/** Cuts text of many lines into its lines, each with its line feed. */
export function linesOf(rows: string): string[] {
  const lines = rows.split("\n");
  lines.pop(); // what follows the last line feed: nothing
  return lines.map((line) => `${line}\n`);
}
