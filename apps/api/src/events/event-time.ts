const rfc3339 =
  /^(?<date>\d{4}-\d{2}-\d{2})[Tt ](?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})(?:\.(?<fraction>\d+))?(?<zone>[Zz]|[+-]\d{2}:\d{2})$/;

/** What nearly every sender writes: UTC, and no more digits than are stored. */
const canonical = /^\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z$/;
let lastDate = "1970-01-01";

/**
 * An RFC 3339 timestamp in UTC with at most six digits of fraction, further ones cut off, not rounded:
 * what PostgreSQL stores, decided here so that both sides see the same month. `undefined` if the text
 * is not such a timestamp or names a day or time that does not exist. A leap second becomes the
 * second after it, as in PostgreSQL.
 */
export function canonicalTimeOf(text: string): string | undefined {
  if (canonical.test(text) && isKnownDate(text.slice(0, 10))) return text;
  const parts = rfc3339.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { date = "", hour = "", minute = "", second = "", fraction, zone = "" } = parts;
  const isLeapSecond = second === "60";
  const wholeMs = Date.parse(`${date}T${hour}:${minute}:${isLeapSecond ? "59" : second}${zone.toUpperCase()}`);
  if (Number.isNaN(wholeMs) || hour === "24" || !isCalendarDate(date)) return undefined;
  const whole = new Date(wholeMs + (isLeapSecond ? 1_000 : 0)).toISOString();
  // Years beyond four digits, and the year 0 that PostgreSQL does not know, can only come from a zone's shift.
  if (whole.length !== 24 || whole.startsWith("0000")) return undefined;
  return fraction === undefined ? `${whole.slice(0, 19)}Z` : `${whole.slice(0, 19)}.${fraction.slice(0, 6)}Z`;
}

/** Events that come together are mostly of one day. */
function isKnownDate(date: string): boolean {
  if (date === lastDate) return true;
  if (!isCalendarDate(date) || date.startsWith("0000")) return false;
  lastDate = date;
  return true;
}

/** `Date.parse` takes 30 February for 2 March. */
function isCalendarDate(date: string): boolean {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}

const uuidV7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The time inside a UUID of version 7 (RFC 9562, 5.7), or `undefined` for any other id. */
export function timeOfUuidV7(id: string): string | undefined {
  const match = uuidV7.exec(id);
  if (match === null) return undefined;
  const time = new Date(Number.parseInt(`${match[1]}${match[2]}`, 16));
  return time.getUTCFullYear() <= 9999 ? time.toISOString() : undefined;
}
