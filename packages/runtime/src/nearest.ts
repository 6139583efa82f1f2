/** The name that was probably meant: the one with the fewest differences, if those are few. */
export function nearestOf(text: string, names: readonly string[]): string | undefined {
  const allowed = Math.max(1, Math.floor(text.length / 3));
  const [best] = names
    .map((name) => ({ name, distance: isBegun(text, name) ? 1 : distanceOf(text.toLowerCase(), name) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance);
  return best?.name;
}

/** ` Did you mean "x"?`, or nothing; to be put behind a sentence. */
export function suggestionFor(text: string, names: readonly string[]): string {
  const nearest = nearestOf(text, names);
  return nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
}

function isBegun(text: string, name: string): boolean {
  return text.length >= 2 && name.startsWith(text.toLowerCase());
}

/** How many letters must be added, left out, changed or swapped with the next one. */
function distanceOf(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const [before = [], twoBefore] = [rows[i - 1], rows[i - 2]];
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = twoBefore !== undefined && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwapped ? (twoBefore[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min((before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change, swap));
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
