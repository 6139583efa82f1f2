const units: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1_440 };

/** The minutes of `30m`, `2h` or `3d`; `undefined` for anything else, for none, and for more than thirty days. */
export function minutesOf(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,6})([mhd])$/.exec(text.trim()) ?? [];
  const minutes = Number(count) * (units[unit] ?? 0);
  return minutes > 0 && minutes <= 43_200 ? minutes : undefined;
}
