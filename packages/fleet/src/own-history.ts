import { startLoop } from "@millrace/runtime";
import type { Figures } from "./figures.ts";
import { createHistory, type Span } from "./history.ts";

export interface OwnHistory extends AsyncDisposable {
  /** What this process counted in the last so many ms, or since it began; `null` in its first seconds. */
  since(ms: number): Span | null;
}

const everyMs = 15_000;
const longestMs = 15 * 60_000;

/** Remembers what this process counted in the last quarter of an hour, for when nobody else can tell. */
export function keepOwnHistory(figures: Figures): OwnHistory {
  const history = createHistory(longestMs);
  const read = () => ({ atMs: performance.now(), counts: figures.read() });
  const loop = startLoop({ everyMs, tick: async () => history.note(read()), onError: () => {} });
  return {
    since: (ms) => history.since(ms, read()),
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}
