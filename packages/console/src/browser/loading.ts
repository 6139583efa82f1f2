import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { read } from "./api.ts";

export interface Loaded<T> {
  /** The last that was read; it stays while a newer one cannot be. */
  readonly value: T | undefined;
  readonly error: Error | undefined;
  /** Reads it again now. */
  reload(): void;
}

/** What does not answer for so long is asked again another time. */
const patienceMs = 20_000;

/** Reads `path` now, every `everyMs` while the page is looked at, and when it is looked at again. */
export function useLoaded<T>(path: string | undefined, everyMs: number): Loaded<T> {
  const [state, setState] = useState<{ path: string | undefined; value?: T; error?: Error }>({ path });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((last) => last + 1), []);

  useEffect(() => {
    if (path === undefined) return;
    const ended = new AbortController();
    let isLoading = false;
    const load = async (): Promise<void> => {
      isLoading = true;
      try {
        const value = await read<T>(path, AbortSignal.any([ended.signal, AbortSignal.timeout(patienceMs)]));
        setState({ path, value });
      } catch (error) {
        if (ended.signal.aborted) return;
        const failure = error instanceof Error ? error : new Error(String(error));
        setState((last) => ({ ...(last.path === path && last), path, error: failure }));
      } finally {
        isLoading = false;
      }
    };
    const lookAgain = (): void => {
      if (!document.hidden && !isLoading) void load();
    };
    void load();
    const timer = setInterval(lookAgain, everyMs);
    document.addEventListener("visibilitychange", lookAgain, { signal: ended.signal });
    return () => {
      clearInterval(timer);
      ended.abort();
    };
  }, [path, everyMs, turn]);

  const isOfThisPath = state.path === path;
  return { value: isOfThisPath ? state.value : undefined, error: isOfThisPath ? state.error : undefined, reload };
}

/** The time of now, told anew every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Does something once at a time on demand, and says how it went. */
export function useAction(): {
  readonly isBusy: boolean;
  readonly error: Error | undefined;
  run(work: () => Promise<unknown>): Promise<boolean>;
} {
  const [state, setState] = useState<{ isBusy: boolean; error?: Error }>({ isBusy: false });
  const isBusy = useRef(false);
  const run = useCallback(async (work: () => Promise<unknown>) => {
    if (isBusy.current) return false;
    isBusy.current = true;
    setState({ isBusy: true });
    try {
      await work();
      setState({ isBusy: false });
      return true;
    } catch (error) {
      setState({ isBusy: false, error: error instanceof Error ? error : new Error(String(error)) });
      return false;
    } finally {
      isBusy.current = false;
    }
  }, []);
  return { isBusy: state.isBusy, error: state.error, run };
}
