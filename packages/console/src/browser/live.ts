import { useEffect, useState } from "preact/hooks";
import { read } from "./api.ts";
import { type Point, withLive, withMinutes } from "./history.ts";
import type { Live, LiveHistory, Session } from "./replies.ts";

export interface LiveState {
  readonly live: Live | undefined;
  readonly history: readonly Point[];
  readonly isConnected: boolean;
}

/** A message comes every two seconds: on a connection that is silent for longer nothing comes any more. */
const silentMs = 8_000;
const lookEveryMs = 1_000;

/** Follows `GET /live` for as long as the page is open, through restarts of the API and ways that fall silent. */
export function useLive(): LiveState {
  const [state, setState] = useState<LiveState>({ live: undefined, history: [], isConnected: false });
  useEffect(() => {
    const following = follow(
      (live) => setState(({ history }) => ({ live, history: withLive(history, live), isConnected: true })),
      () => setState((last) => ({ ...last, isConnected: false })),
    );
    read<LiveHistory>("/live/history?minutes=30").then(
      ({ minutes }) => setState((last) => ({ ...last, history: withMinutes(last.history, minutes) })),
      () => {}, // the charts then begin with now
    );
    return following;
  }, []);
  return state;
}

/** Gives what ends it. */
function follow(onLive: (live: Live) => void, onLost: () => void): () => void {
  let source: EventSource;
  let heardAt: number;

  function open(): void {
    heardAt = performance.now();
    source = new EventSource("/live");
    source.addEventListener("message", ({ data }) => {
      heardAt = performance.now();
      onLive(JSON.parse(data) as Live); // as the API's own document says
    });
    source.addEventListener("error", onLost);
  }

  function look(): void {
    if (performance.now() - heardAt < silentMs) return;
    onLost();
    source.close();
    // Leads to signing in when that is why.
    read<Session>("/session").catch(() => {});
    open();
  }

  open();
  const looking = setInterval(look, lookEveryMs);
  return () => {
    clearInterval(looking);
    source.close();
  };
}
