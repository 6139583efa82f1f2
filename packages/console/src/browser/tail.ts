import { useEffect, useState } from "preact/hooks";
import type { StoredEvent } from "./replies.ts";

export interface Tail {
  /** The newest first, and not more than can be looked at. */
  readonly events: readonly StoredEvent[];
  /** How many were not sent, as there were too many. */
  readonly dropped: number;
  readonly isLive: boolean;
}

const kept = 100;
const showEveryMs = 250;
const none: Tail = { events: [], dropped: 0, isLive: false };

/** Follows `GET /v1/events/tail` at `path`, or nothing. What comes in a burst is shown at once. */
export function useTail(path: string | undefined): Tail {
  const [tail, setTail] = useState(none);
  useEffect(() => {
    setTail(none);
    if (path === undefined) return;
    const source = new EventSource(path);
    let fresh: StoredEvent[] = [];
    const timer = setInterval(() => {
      if (fresh.length === 0) return;
      const events = fresh.reverse();
      fresh = [];
      setTail((last) => ({ ...last, events: [...events, ...last.events].slice(0, kept) }));
    }, showEveryMs);
    source.addEventListener("message", ({ data }) => {
      fresh.push(JSON.parse(data) as StoredEvent); // as the API's own document says
      if (fresh.length > kept) fresh.shift();
    });
    source.addEventListener("status", ({ data }) => {
      const { live } = JSON.parse(data) as { live: boolean }; // as the API's own document says
      setTail((last) => ({ ...last, isLive: live }));
    });
    source.addEventListener("dropped", ({ data }) => {
      const { count } = JSON.parse(data) as { count: number }; // as the API's own document says
      setTail((last) => ({ ...last, dropped: last.dropped + count }));
    });
    source.addEventListener("error", () => setTail((last) => ({ ...last, isLive: false })));
    return () => {
      clearInterval(timer);
      source.close();
    };
  }, [path]);
  return tail;
}
