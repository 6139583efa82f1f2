import { useEffect, useState } from "preact/hooks";
import { read } from "./api.ts";
import { type Point, withLive, withMinutes } from "./history.ts";
import type { Live, LiveHistory, Session } from "./replies.ts";

export interface LiveState {
  readonly live: Live | undefined;
  readonly history: readonly Point[];
  readonly isConnected: boolean;
}

const askAgainMs = 5_000;

/** Follows `GET /live` for as long as the page is open, through restarts of the API. */
export function useLive(): LiveState {
  const [state, setState] = useState<LiveState>({ live: undefined, history: [], isConnected: false });
  useEffect(() => {
    let source: EventSource;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      source = new EventSource("/live");
      source.addEventListener("message", ({ data }) => {
        const live = JSON.parse(data) as Live; // as the API's own document says
        setState(({ history }) => ({ live, history: withLive(history, live), isConnected: true }));
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
    read<LiveHistory>("/live/history?minutes=30").then(
      ({ minutes }) => setState((last) => ({ ...last, history: withMinutes(last.history, minutes) })),
      () => {}, // the charts then begin with now
    );
    return () => {
      clearTimeout(retry);
      source.close();
    };
  }, []);
  return state;
}
