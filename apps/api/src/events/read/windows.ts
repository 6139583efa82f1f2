import { addMonths, type Month, monthAt } from "@millrace/db";
import type { EventFilter } from "./event-filter.ts";

type Range = Pick<EventFilter, "from" | "to">;

interface WindowOptions {
  readonly months: number;
  readonly oldest: () => Promise<Month | undefined>;
  readonly now?: number;
}

/** Windows begin no earlier, so that counting months back from them cannot leave the calendar. */
const dawn = Date.UTC(1900);

/**
 * Cuts the filter's range into windows of `months` months, newest first, without gap or overlap. A
 * statement over all of many years would open every partition and index of them even if it stops in
 * the newest, and many such at once fill PostgreSQL's lock table. `oldest` is asked for only if
 * the first window is not enough; nothing is older than the month that it gives.
 */
export async function* windowsOf(
  { from, to, before }: EventFilter,
  { months, oldest, now = Date.now() }: WindowOptions,
): AsyncGenerator<Range> {
  const newest = Math.min(now, ...[to, before?.time].map((time) => (time === undefined ? Infinity : Date.parse(time))));
  let month = addMonths(monthAt(new Date(Math.max(newest, dawn))), 1 - months);
  yield { from: laterOf(from, month), to };
  const floor = isWithin(from, month) ? undefined : await oldest();
  while (floor !== undefined && month > floor && !isWithin(from, month)) {
    const end = startOf(month);
    month = addMonths(month, -months);
    yield { from: laterOf(from, month), to: end };
  }
}

/** True if the range begins in or after the month, so that nothing before the month is asked for. */
function isWithin(from: string | undefined, month: Month): boolean {
  return from !== undefined && Date.parse(from) >= Date.parse(startOf(month));
}

function laterOf(from: string | undefined, month: Month): string {
  return from !== undefined && isWithin(from, month) ? from : startOf(month);
}

function startOf(month: Month): string {
  return `${month}-01T00:00:00Z`;
}
