/**
 * Loads of one process, at most one at a time for each key. A reader may share the load that is under way only
 * while invalidations are known to be heard; otherwise it shares the one that begins after it, since one that began
 * before it may have read what was true before a write that the reader must see.
 */
export interface Flights<Value> {
  join(key: string, mayShareRunning: boolean, load: (flight: Flight) => Promise<Value>): Promise<Value>;
  /** True for the load whose result is still good: nothing was forgotten since it began. */
  isCurrent(key: string, flight: Flight): boolean;
  /** Later readers do not share the load of this key, and what it loads is not kept. */
  forget(key: string): void;
  forgetMatching(isForgotten: (key: string) => boolean): void;
  readonly size: number;
}

/** Names one load; two are never the same. */
export type Flight = symbol;

interface Running<Value> {
  readonly flight: Flight;
  readonly ended: Promise<Value>;
}

export function createFlights<Value>(): Flights<Value> {
  const running = new Map<string, Running<Value>>();
  const next = new Map<string, Promise<Value>>();

  function start(key: string, load: (flight: Flight) => Promise<Value>): Promise<Value> {
    const flight = Symbol(key);
    const ended = load(flight);
    running.set(key, { flight, ended });
    const end = (): void => {
      if (running.get(key)?.flight === flight) running.delete(key);
    };
    ended.then(end, end);
    return ended;
  }

  return {
    join(key, mayShareRunning, load) {
      const current = running.get(key);
      if (current === undefined) return start(key, load);
      if (mayShareRunning) return current.ended;
      let following = next.get(key);
      if (following === undefined) {
        const begin = (): Promise<Value> => {
          next.delete(key);
          return start(key, load);
        };
        following = current.ended.then(begin, begin);
        next.set(key, following);
      }
      return following;
    },
    isCurrent: (key, flight) => running.get(key)?.flight === flight,
    forget(key) {
      running.delete(key);
    },
    forgetMatching(isForgotten) {
      for (const key of running.keys()) if (isForgotten(key)) running.delete(key);
    },
    get size() {
      return running.size;
    },
  };
}
