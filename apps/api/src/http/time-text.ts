/** A time of a row, which is a Date from PostgreSQL and text from JSON, in UTC to the millisecond. */
export function timeText(time: Date | string): string {
  return new Date(time).toISOString();
}

export function optionalTimeText(time: Date | string | null): string | null {
  return time === null ? null : timeText(time);
}
