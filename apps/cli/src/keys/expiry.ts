const hourMs = 3_600_000;
const unitMs: Readonly<Record<string, number>> = { h: hourMs, d: 24 * hourMs, w: 7 * 24 * hourMs };

const duration = /^(\d{1,5})([hdw])$/;
const date = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * The time that `90d` (from now) or an ISO date (its first moment in UTC) stands for, or `undefined`
 * when the text is neither.
 */
export function expiryOf(text: string, nowMs: number): Date | undefined {
  const [, count, unit] = duration.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return new Date(nowMs + Number(count) * (unitMs[unit] ?? 0));
  const day = date.exec(text)?.[1];
  return day !== undefined && isDay(day) ? validDate(text) : undefined;
}

/** `Date` takes 31 February for 3 March; a key should not live longer by a slip of the pen. */
function isDay(day: string): boolean {
  return validDate(day)?.toISOString().startsWith(day) ?? false;
}

function validDate(text: string): Date | undefined {
  const parsed = new Date(text);
  return Number.isNaN(parsed.getTime()) ? undefined : parsed;
}
