/** A moment in whole microseconds since 1970, as fine as PostgreSQL keeps it. Exact in a double until the year 2255. */
export type Micros = number;

export interface FoundTime {
  readonly micros: Micros;
  /** False if the text named no zone (or was no count since 1970) and was read as UTC. */
  readonly isAbsolute: boolean;
  /** Where in the text it stands. */
  readonly start: number;
  readonly end: number;
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const month = "(?<name>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";
const clock = String.raw`(?<hour>\d{1,2}):(?<minute>\d{1,2}):(?<second>\d{1,2})(?:[.,](?<fraction>\d{1,9})|:(?<ms>\d{1,3}))?(?!\d)`;
const zone = String.raw`(?<zone>(?:Z|[+-]\d{2}(?::?\d{2})?|\s(?:UTC|GMT|[+-]\d{2}:?\d{2}))\b)?`;
const patterns = [
  // 2024-11-23T10:00:00.123+01:00, 2024/11/23 10:00:00, 2005.11.09 12:01:01, 2024-11-23 10:00:00,123
  String.raw`(?<!\d)(?<year>\d{4})(?<mark>[-/.])(?<month>\d{1,2})\k<mark>(?<day>\d{1,2})[T_ :-] *${clock}${zone}`,
  // 20171223-22:15:29:606, 20171223-22:15:9:6
  String.raw`(?<!\d)(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})[T_ :-]${clock}${zone}`,
  // 20171223T221529Z
  String.raw`(?<!\d)(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})T(?<hour>\d{2})(?<minute>\d{2})(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?(?!\d)${zone}`,
  // 10/Oct/2000:13:55:36 -0700, 10 Oct 2000 13:55:36
  String.raw`(?<!\d)(?<day>\d{1,2})[/ -]${month}[/ -](?<year>\d{4})[T :]${clock}${zone}`,
  // Dec 10 06:55:46, Nov 9 2005 12:01:01, Nov 9 12:01:01 2005, Sat Nov 23 10:00:00 UTC 2024
  String.raw`\b${month} +(?<day>\d{1,2})(?:,? (?<year>\d{4}))?,? ${clock}${zone}(?: (?<lastYear>(?:19|20)\d{2})\b)?`,
].map((source) => new RegExp(source, "i"));

const epochAtStart = /^[-<[(]?\s*(?<epoch>\d{10}(?:\.\d{1,9})?|\d{13}|\d{16})(?=[\s\]),;:|>]|$)/d;

/** A timestamp further inside than this belongs to what the line tells, not to the line. */
const searchedLength = 128;

/**
 * The first timestamp near the beginning of a line. One without a year gets the latest year that does
 * not put it after `latest`; one without a zone is read as UTC.
 */
export function findTime(line: string, latest: Micros): FoundTime | undefined {
  const head = line.slice(0, searchedLength);
  const epoch = epochAtStart.exec(head);
  const range = epoch?.indices?.groups?.["epoch"];
  if (epoch !== null && range !== undefined) {
    const micros = microsOfEpoch(epoch.groups?.["epoch"] ?? "");
    if (micros !== undefined) return { micros, isAbsolute: true, start: range[0], end: range[1] };
  }
  let first: FoundTime | undefined;
  for (const pattern of patterns) {
    const match = pattern.exec(head);
    if (match === null || (first !== undefined && match.index >= first.start)) continue;
    const micros = microsOf(match.groups ?? {}, latest);
    if (micros === undefined) continue;
    const isAbsolute = match.groups?.["zone"] !== undefined;
    first = { micros, isAbsolute, start: match.index, end: match.index + match[0].length };
  }
  return first;
}

/** The time that a whole field of a record stands for: text, or a count of s, ms, µs or ns since 1970. */
export function timeOfValue(value: unknown, latest: Micros): FoundTime | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value).trim();
  const epoch = /^\d+(\.\d+)?$/.test(text) ? microsOfEpoch(text) : undefined;
  if (epoch !== undefined) return { micros: epoch, isAbsolute: true, start: 0, end: text.length };
  const found = findTime(text, latest);
  // A text that merely mentions a date is no time.
  return found !== undefined && text.length - (found.end - found.start) <= 6 ? found : undefined;
}

/** The first moment of a field that is a date and nothing more, such as `2005.11.09`. */
export function timeOfDate(value: string): Micros | undefined {
  const date = /^(?<year>\d{4})(?<mark>[-/.])(?<month>\d{1,2})\k<mark>(?<day>\d{1,2})$/.exec(value.trim());
  return date?.groups === undefined ? undefined : microsOf({ ...date.groups, hour: "0", minute: "0", second: "0" }, 0);
}

/** RFC 3339 in UTC with three or six digits of fraction. */
export function rfc3339Of(micros: Micros): string {
  const ms = Math.floor(micros / 1_000);
  const rest = micros - ms * 1_000;
  const text = new Date(ms).toISOString();
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

type Parts = Readonly<Record<string, string | undefined>>;

function microsOf(parts: Parts, latest: Micros): Micros | undefined {
  const { name, day = "", hour = "", minute = "", second = "", fraction = "", zone: offset } = parts;
  const monthIndex = name === undefined ? Number(parts["month"]) - 1 : months.indexOf(name.toLowerCase());
  const isLeapSecond = second === "60";
  const clockMs = ((Number(hour) * 60 + Number(minute)) * 60 + (isLeapSecond ? 59 : Number(second))) * 1_000;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const shiftMs = clockMs + (isLeapSecond ? 1_000 : 0) - offsetMsOf(offset);
  // After a colon stands a count of milliseconds, which need not be padded.
  const restMicros =
    parts["ms"] === undefined ? Number(fraction.slice(0, 6).padEnd(6, "0")) : Number(parts["ms"]) * 1_000;
  const momentIn = (year: number): Micros | undefined => {
    const midnight = midnightMsOf(year, monthIndex, Number(day));
    return midnight === undefined ? undefined : (midnight + shiftMs) * 1_000 + restMicros;
  };
  const year = parts["year"] ?? parts["lastYear"];
  return year === undefined ? latestNotAfter(momentIn, latest) : momentIn(Number(year));
}

/** Eight years reach back to a 29 February, also across a century's turn. */
function latestNotAfter(momentIn: (year: number) => Micros | undefined, latest: Micros): Micros | undefined {
  const lastYear = new Date(latest / 1_000).getUTCFullYear() + 1;
  for (let year = lastYear; year > lastYear - 10; year -= 1) {
    const moment = momentIn(year);
    if (moment !== undefined && moment <= latest) return moment;
  }
  return undefined;
}

/** `undefined` for days that no calendar has, and for years that are more likely another number. */
function midnightMsOf(year: number, monthIndex: number, day: number): number | undefined {
  if (year < 1_900) return undefined;
  const ms = Date.UTC(year, monthIndex, day);
  const date = new Date(ms);
  return date.getUTCMonth() === monthIndex && date.getUTCDate() === day ? ms : undefined;
}

function offsetMsOf(text: string | undefined): number {
  const offset = /(?<sign>[+-])(?<hours>\d{2}):?(?<minutes>\d{2})?/.exec(text ?? "")?.groups;
  if (offset === undefined) return 0;
  const ms = (Number(offset["hours"]) * 60 + Number(offset["minutes"] ?? 0)) * 60_000;
  return offset["sign"] === "-" ? -ms : ms;
}

const endMicros = Date.UTC(2100, 0) * 1_000;

/** Tells the unit by the size: the years 2001 to 2099 in seconds, milliseconds, microseconds, nanoseconds. */
function microsOfEpoch(text: string): Micros | undefined {
  const count = Number(text);
  for (const microsPerUnit of [1e6, 1e3, 1, 1e-3]) {
    const micros = Math.round(count * microsPerUnit);
    if (micros >= 1e15 && micros < endMicros) return micros;
  }
  return undefined;
}
