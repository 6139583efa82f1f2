/** How numbers and times are written: short, with their unit, and of one width where they change. `–` is what is not known. */

const unknown = "–";

type Known = number | null | undefined;

/** `950`, `9,500`, `12.3 k`, `4.56 M`. */
export function count(value: Known): string {
  if (value === null || value === undefined) return unknown;
  const size = Math.abs(value);
  if (size >= 1e9) return `${precise(value / 1e9)} G`;
  if (size >= 1e6) return `${precise(value / 1e6)} M`;
  if (size >= 1e4) return `${precise(value / 1e3)} k`;
  if (Number.isInteger(value) || size >= 100) return Math.round(value).toLocaleString("en");
  return size < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** A count in a second. */
export function rate(value: Known): string {
  return value === null || value === undefined ? unknown : `${count(value)}/s`;
}

/** In powers of 1,024: `512 B`, `3.2 MB`. */
export function bytes(value: Known): string {
  if (value === null || value === undefined) return unknown;
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log(Math.max(1, Math.abs(value))) / Math.log(1_024)));
  return `${precise(value / 1_024 ** power)} ${units[power]}`;
}

/** What is used of how much: `31 MB of 1 GB`. */
export function memory({ used_bytes, max_bytes }: { used_bytes: number; max_bytes: number | null }): string {
  return max_bytes === null ? bytes(used_bytes) : `${bytes(used_bytes)} of ${bytes(max_bytes)}`;
}

/** A length of time given in ms: `0.4 ms`, `35 ms`, `2.1 s`, `4 min`, `3 h`, `12 d`. */
export function duration(ms: Known): string {
  if (ms === null || ms === undefined) return unknown;
  const size = Math.abs(ms);
  if (size === 0) return "0 ms";
  if (size < 1_000) return `${precise(ms)} ms`;
  if (size < 100_000) return `${precise(ms / 1_000)} s`;
  if (size < 100 * 60_000) return `${Math.round(ms / 60_000)} min`;
  if (size < 72 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** A share of 1 in per cent. */
export function share(value: Known): string {
  if (value === null || value === undefined) return unknown;
  const percent = value * 100;
  return `${percent >= 99.95 || percent === 0 || Math.abs(percent) >= 10 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

/** A value in the unit that the API names with it. */
export function quantity(value: Known, unit: string): string {
  if (value === null || value === undefined) return unknown;
  switch (unit) {
    case "bytes":
      return bytes(value);
    case "share":
      return share(value);
    case "ms":
      return duration(value);
    case "seconds":
      return duration(value * 1_000);
    case "count":
      return count(value);
    default:
      return `${count(value)} ${unit}`;
  }
}

/** How long ago a time was, or how far ahead: `12 s ago`, `in 4 min`. */
export function ago(time: string | null | undefined, now: number): string {
  if (time === null || time === undefined) return unknown;
  const ms = now - Date.parse(time);
  if (Math.abs(ms) < 1_000) return "now";
  const text = duration(Math.max(1_000, Math.round(Math.abs(ms) / 1_000) * 1_000));
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** The time of day here, with the date unless it is today's. */
export function clock(time: string | null | undefined, now: number): string {
  if (time === null || time === undefined) return unknown;
  const at = new Date(time);
  const ofDay = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date(now).toDateString() ? ofDay : `${at.toLocaleDateString("en-CA")} ${ofDay}`;
}

/** Three digits that count. */
function precise(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return size >= 10 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(size < 1 ? 2 : 1).replace(/\.?0+$/, "");
}
