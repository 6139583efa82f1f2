/** Rows as lines in columns, under their headings. */
export function tableOf(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lineOf = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return all.map((row) => lineOf(row).trimEnd()).join("\n");
}

/** A time to the minute, in UTC; `-` for none. */
export function minuteOf(time: Date | string | null | undefined): string {
  if (time === null || time === undefined) return "-";
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")}Z`;
}

/** Bytes for people: `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1_024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/** A value in its unit, for people: `12.5 %`, `1.5 GiB`, `3 months`. */
export function figureText(value: number | null, unit: string): string {
  if (value === null) return "-";
  if (unit === "share") return `${Number((value * 100).toFixed(1))} %`;
  if (unit === "bytes") return bytesText(value);
  const figure =
    Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toFixed(1)));
  return unit === "count" ? figure : `${figure} ${unit}`;
}
