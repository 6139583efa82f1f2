import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { EventError } from "./parse-event.ts";
import { parseJson } from "./parse-json.ts";

const prefix = "ce-";

/** True when the headers have an event's attributes and the body is its data (HTTP protocol binding 1.0.2, 3.1). */
export function isBinaryMode(headers: IncomingHttpHeaders, mediaType: string): boolean {
  return headers["ce-specversion"] !== undefined && !mediaType.startsWith("application/cloudevents");
}

/**
 * The event in the form that it has in JSON. A JSON body becomes `data`, text a string, and anything
 * else `data_base64`. Throws an `EventError` or what `parseJson` throws.
 */
export function eventOfHeaders(headers: IncomingHttpHeaders, body: Buffer): Record<string, unknown> {
  const attributes = Object.entries(headers)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), decoded(name, String(value))] as const);
  const contentType = headers["content-type"];
  return {
    ...Object.fromEntries(attributes),
    ...(contentType === undefined ? {} : { datacontenttype: contentType }),
    ...dataOf(contentType, body),
  };
}

function dataOf(contentType: string | undefined, body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  const mediaType = (contentType?.split(";", 1)[0] ?? "").trim().toLowerCase();
  const isText = isUtf8(body);
  if (/[/+]json$/.test(mediaType)) {
    if (!isText) throw new EventError("invalid_json", "The body is not valid UTF-8");
    return { data: parseJson(body.toString("utf8")) };
  }
  return mediaType.startsWith("text/") && isText
    ? { data: body.toString("utf8") }
    : { data_base64: body.toString("base64") };
}

/** Values are percent-encoded, and may stand in quotes (3.1.3.2). */
function decoded(name: string, value: string): string {
  const unquoted = /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, "$1") ?? value;
  try {
    return decodeURIComponent(unquoted);
  } catch {
    throw new EventError("invalid_attribute", `The header ${name} is not percent-encoded UTF-8`);
  }
}
