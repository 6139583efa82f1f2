import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Api, DemoError } from "./api-client.ts";
import type { DemoEvent } from "./demo-event.ts";

export interface ConfirmationOptions {
  readonly api: Pick<Api, "read">;
  /** Give up when none has appeared for this long. */
  readonly patienceMs: number;
  /** Rows received before this, in milliseconds since 1970 on the server's clock, were there before this run. */
  readonly startedAt: number;
  /** Sending waits while more than this many are not yet looked for. */
  readonly maxWaiting?: number;
}

export interface Confirmation {
  /** Takes events that the API has accepted; resolves when more may be sent. Throws a `DemoError` when patience is over. */
  add(events: readonly DemoEvent[]): Promise<void>;
  /** Resolves when all that were added have been seen. Throws like `add`. */
  finish(): Promise<void>;
  /** Seen in the database, those that were there before included. */
  readonly committed: number;
  /** Seen, and stored before this run. */
  readonly alreadyThere: number;
  /** Seen in the quarantine: the workers keep events there whose time has no partition. */
  readonly quarantined: number;
}

/** What is looked for: ids of one source, and their times in milliseconds. */
type Missing = Map<string, number>;

const pageLimit = 1_000;
const page = z.object({
  events: z.array(z.object({ id: z.string(), receivedat: z.string() })),
  next: z.string().nullable(),
});

const quarantinePage = z.object({
  quarantined: z.array(z.object({ event: z.object({ id: z.string() }) })),
  next: z.string().nullable(),
});

/**
 * Asks the API for accepted events until each has been seen in the database. They are looked for in
 * groups, each by the span of time it covers, so that memory is bounded however many are sent.
 */
export function createConfirmation(options: ConfirmationOptions): Confirmation {
  const { api, patienceMs, startedAt, maxWaiting = 20_000 } = options;
  let waiting = new Map<string, Missing>();
  let waitingCount = 0;
  let looking: Promise<void> | undefined;
  let failure: unknown;
  let committed = 0;
  let alreadyThere = 0;
  let quarantined = 0;

  async function lookForAll(): Promise<void> {
    while (waiting.size > 0) {
      const groups = waiting;
      waiting = new Map();
      waitingCount = 0;
      for (const [source, missing] of groups) await lookFor(source, missing);
    }
  }

  async function lookFor(source: string, missing: Missing): Promise<void> {
    let progressAt = performance.now();
    let pauseMs = 20;
    for (;;) {
      const before = missing.size;
      await seeOnce("/v1/events", { source, missing, seePage });
      // What the workers have stored, and it is not there, can only be in the quarantine.
      if (missing.size === before) await seeOnce("/v1/quarantine", { source, missing, seePage: seeQuarantined });
      if (missing.size === 0) return;
      if (missing.size < before) {
        progressAt = performance.now();
        pauseMs = 20;
      } else if (performance.now() - progressAt > patienceMs) throw notSeen(patienceMs);
      await sleep(pauseMs);
      pauseMs = Math.min(1_000, pauseMs * 2);
    }
  }

  async function seePage(path: string, missing: Missing): Promise<string | null> {
    const { events, next } = await api.read(path, page);
    for (const { id, receivedat } of events) {
      if (!missing.delete(id)) continue;
      committed += 1;
      if (Date.parse(receivedat) < startedAt) alreadyThere += 1;
    }
    return next;
  }

  async function seeQuarantined(path: string, missing: Missing): Promise<string | null> {
    const page = await api.read(path, quarantinePage);
    for (const { event } of page.quarantined) if (missing.delete(event.id)) quarantined += 1;
    return page.next;
  }

  /** A failure is kept for the next caller: nobody may be waiting when it happens. */
  function startLooking(): Promise<void> {
    looking ??= lookForAll()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  return {
    async add(events) {
      if (failure !== undefined) throw failure;
      for (const { id, source, time } of events) {
        const missing = waiting.get(source) ?? new Map<string, number>();
        waiting.set(source, missing.set(id, Date.parse(time)));
      }
      waitingCount += events.length;
      const looked = startLooking();
      if (waitingCount <= maxWaiting) return;
      await looked;
      if (failure !== undefined) throw failure;
    },
    async finish() {
      while (failure === undefined && (looking !== undefined || waiting.size > 0)) await startLooking();
      if (failure !== undefined) throw failure;
    },
    get committed() {
      return committed;
    },
    get alreadyThere() {
      return alreadyThere;
    },
    get quarantined() {
      return quarantined;
    },
  };
}

interface Search {
  readonly source: string;
  readonly missing: Missing;
  /** Takes from `missing` what a page has; gives the path of the next one. */
  readonly seePage: (path: string, missing: Missing) => Promise<string | null>;
}

/** Looks once through the list at `path` for what is missing. */
async function seeOnce(path: string, { source, missing, seePage }: Search): Promise<void> {
  for (const span of spansOf(missing.values())) {
    const query = new URLSearchParams({ source, ...span, limit: String(pageLimit) });
    let next: string | null = `${path}?${query}`;
    while (next !== null && missing.size > 0) next = await seePage(next, missing);
  }
}

const mostSpans = 16;

/**
 * The spans of time, each to just after its last millisecond, that cover all times but no large gap
 * between them: a file may jump back or ahead by years, and what is stored there need not be read.
 */
export function spansOf(times: Iterable<number>): { from: string; to: string }[] {
  const sorted = Float64Array.from(times).sort();
  const largeGap = ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / mostSpans;
  const spans: { first: number; last: number }[] = [];
  for (const time of sorted) {
    const span = spans.at(-1);
    if (span !== undefined && time - span.last <= largeGap) span.last = time;
    else spans.push({ first: time, last: time });
  }
  return spans.map(({ first, last }) => ({
    from: new Date(first).toISOString(),
    to: new Date(last + 1).toISOString(),
  }));
}

function notSeen(patienceMs: number): DemoError {
  return new DemoError(
    `Of the accepted events that are not in the database yet none appeared for ${Math.round(patienceMs / 1_000)} s. ` +
      "They are in the queue: is a worker running (npm run worker)?",
  );
}
