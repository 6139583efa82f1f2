import { fieldsOf } from "@millrace/events";
import type { TailEvent } from "@millrace/tail";
import { parseJson } from "../parse-json.ts";
import { eventJsonOf, ownMembers } from "../read/event-row.ts";

/** A message of a named type (WHATWG HTML, "Server-sent events"). `data` is written as JSON, which has no line breaks. */
export function messageText(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A message without a type, with the event as the list has it; its `id` is where to go on after a reconnect. */
export function eventText({ id, line }: TailEvent): string {
  return `id: ${id}\ndata: ${jsonOf(line)}\n\n`;
}

function jsonOf(line: string): string {
  const [id = "", source = "", type = "", subject, time = "", data, extensions, received = ""] = fieldsOf(line);
  return eventJsonOf({
    id,
    source,
    type,
    subject: subject ?? null,
    time_text: withMicroseconds(time),
    data_text: data ?? null,
    extensions_text: extensions === undefined ? null : withoutOwnMembers(extensions),
    received_text: withMicroseconds(received),
  });
}

/** `2026-11-23T10:00:00.5Z` as the list writes it, with six digits of fraction. */
function withMicroseconds(time: string): string {
  const [whole = "", fraction = ""] = time.slice(0, -1).split(".");
  return `${whole}.${fraction.padEnd(6, "0")}Z`;
}

function withoutOwnMembers(extensionsJson: string): string {
  const extensions = parseJson(extensionsJson);
  if (typeof extensions !== "object" || extensions === null) return "{}";
  return JSON.stringify(Object.fromEntries(Object.entries(extensions).filter(([name]) => !ownMembers.includes(name))));
}
