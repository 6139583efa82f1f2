/** Of a name in an attribute; with three bytes for each it stays within what an attribute may have. */
const maxLength = 250;

/**
 * An event's `source` from the resource that a record comes from: `/otel/<service.namespace>/<service.name>`,
 * each part percent-encoded, the namespace left out where there is none.
 */
export function sourceOf(attributes: Readonly<Record<string, unknown>>): string {
  const { "service.namespace": namespace, "service.name": name } = attributes;
  const parts = [...(isName(namespace) ? [namespace] : []), isName(name) ? name : "unknown_service"];
  return `/otel/${parts.map(encoded).join("/")}`;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Cut so that two parts stay within an attribute's length, and not within an encoded byte. */
function encoded(part: string): string {
  return encodeURIComponent(part.slice(0, maxLength).toWellFormed())
    .slice(0, 2 * maxLength)
    .replace(/%.?$/, "");
}

/** Text as an attribute can have it: without control characters and not too long; `undefined` if nothing is left. */
export function attributeText(text: string | undefined): string | undefined {
  const clean = text
    ?.slice(0, maxLength)
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]+/g, " ");
  return clean === undefined || clean.trim() === "" ? undefined : clean;
}

/** RFC 3339 in UTC with the microseconds that PostgreSQL keeps; further digits are cut off. */
export function timeOfUnixNano(unixNano: string): string {
  const micros = BigInt(unixNano) / 1_000n;
  const ms = new Date(Number(micros / 1_000n)).toISOString().slice(0, -1);
  return `${ms}${String(micros % 1_000n).padStart(3, "0")}Z`;
}
