import { useEffect, useState } from "preact/hooks";
import { read } from "./api.ts";
import type { Live, Session } from "./replies.ts";

/** What the charts show, one value a message; times in seconds since 1970. */
export interface History {
  readonly times: readonly number[];
  readonly committed: readonly (number | null)[];
  readonly accepted: readonly (number | null)[];
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly oldest: readonly (number | null)[];
}

export interface LiveState {
  readonly live: Live | undefined;
  readonly history: History;
  readonly isConnected: boolean;
}

const windowSeconds = 600;
const askAgainMs = 5_000;
const none: History = { times: [], committed: [], accepted: [], p50: [], p99: [], oldest: [] };

/** Follows `GET /live` for as long as the page is open, through restarts of the API. */
export function useLive(): LiveState {
  const [state, setState] = useState<LiveState>({ live: undefined, history: none, isConnected: false });
  useEffect(() => {
    let source: EventSource;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      source = new EventSource("/live");
      source.addEventListener("message", ({ data }) => {
        const live = JSON.parse(data) as Live; // as the API's own document says
        setState(({ history }) => ({ live, history: withMessage(history, live), isConnected: true }));
      });
      source.addEventListener("error", () => {
        setState((last) => ({ ...last, isConnected: false }));
        // A stream that was broken is taken up again by the browser; one that was refused is not.
        if (source.readyState !== EventSource.CLOSED) return;
        // Leads to signing in when that is why.
        read<Session>("/session").catch(() => {});
        clearTimeout(retry);
        retry = setTimeout(open, askAgainMs);
      });
    };
    open();
    return () => {
      clearTimeout(retry);
      source.close();
    };
  }, []);
  return state;
}

/** The longest that a job has waited, over all queues. */
export function oldestWaitOf({ queues }: Pick<Live, "queues">): number {
  return Math.max(0, ...queues.map((queue) => queue.oldest_wait_ms));
}

function withMessage(history: History, live: Live): History {
  const now = Date.parse(live.at) / 1_000;
  const from = history.times.findIndex((time) => time >= now - windowSeconds);
  const add = <T>(values: readonly T[], value: T): readonly T[] => [...(from < 0 ? [] : values.slice(from)), value];
  const { accept_to_commit: latency } = live.latency;
  return {
    times: add(history.times, now),
    committed: add(history.committed, live.rates.committed),
    accepted: add(history.accepted, live.rates.accepted),
    p50: add(history.p50, latency.p50_ms),
    p99: add(history.p99, latency.p99_ms),
    oldest: add(history.oldest, oldestWaitOf(live)),
  };
}
