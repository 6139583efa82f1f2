import { createFifo } from "./fifo.ts";
import type { Settings } from "./options.ts";

/** An event as it is sent. */
export interface Entry {
  /** Counts the events in the order of `send()`. */
  readonly number: number;
  readonly json: string;
  /** In a request, the end of its line included. */
  readonly bytes: number;
}

export interface EventBuffer {
  /** True if there is no room, or if somebody waits for it. */
  readonly isFull: boolean;
  /** Events and bytes that no request has yet. */
  readonly waiting: { readonly events: number; readonly bytes: number };
  /** The number of the first event that no request has yet, those that wait for room included. */
  readonly firstNumber: number | undefined;
  /** Puts an event in, or does what the policy says: false if there is no room, a promise of the end of the wait. */
  add(entry: Entry): boolean | Promise<void>;
  /** The next events for a request, in order; they need their room until `release`. */
  take(maxEvents: number, maxBytes: number): Entry[];
  release(entries: readonly Entry[]): void;
  /** Gives up those that wait for room. */
  clearBlocked(): Entry[];
  /** Gives up all that no request has. */
  clear(): Entry[];
}

interface Blocked {
  readonly entry: Entry;
  readonly end: () => void;
}

/** Holds events within bounds. `dropOldest` is told of each event that a newer one took the place of. */
export function createBuffer(
  { maxBufferEvents, maxBufferBytes, overflow }: Pick<Settings, "maxBufferEvents" | "maxBufferBytes" | "overflow">,
  dropOldest: (entry: Entry) => void,
): EventBuffer {
  const queue = createFifo<Entry>();
  const blocked = createFifo<Blocked>();
  let heldEvents = 0;
  let heldBytes = 0;
  let waitingBytes = 0;

  const hasRoom = ({ bytes }: Pick<Entry, "bytes">): boolean =>
    heldEvents < maxBufferEvents && heldBytes + bytes <= maxBufferBytes;

  /** What a request has cannot be dropped any more: it may be stored already. */
  const fitsBesideRequests = ({ bytes }: Entry): boolean =>
    heldEvents - queue.length < maxBufferEvents && heldBytes - waitingBytes + bytes <= maxBufferBytes;

  function admit(entry: Entry): true {
    queue.push(entry);
    heldEvents += 1;
    heldBytes += entry.bytes;
    waitingBytes += entry.bytes;
    return true;
  }

  function shift(): Entry | undefined {
    const entry = queue.shift();
    if (entry !== undefined) waitingBytes -= entry.bytes;
    return entry;
  }

  function release(entries: readonly Entry[]): void {
    for (const { bytes } of entries) {
      heldEvents -= 1;
      heldBytes -= bytes;
    }
    for (let next = blocked.first; next !== undefined && hasRoom(next.entry); next = blocked.first) {
      blocked.shift();
      admit(next.entry);
      next.end();
    }
  }

  function clearBlocked(): Entry[] {
    const entries: Entry[] = [];
    for (let next = blocked.shift(); next !== undefined; next = blocked.shift()) {
      entries.push(next.entry);
      next.end();
    }
    return entries;
  }

  return {
    get isFull() {
      return blocked.length > 0 || !hasRoom({ bytes: 1 });
    },
    get waiting() {
      return { events: queue.length, bytes: waitingBytes };
    },
    get firstNumber() {
      return queue.first?.number ?? blocked.first?.entry.number;
    },
    add(entry) {
      if (overflow === "drop-oldest" && fitsBesideRequests(entry)) {
        while (!hasRoom(entry)) {
          const oldest = shift();
          if (oldest === undefined) break;
          release([oldest]);
          dropOldest(oldest);
        }
      }
      if (blocked.length === 0 && hasRoom(entry)) return admit(entry);
      return overflow === "block" && new Promise((end) => blocked.push({ entry, end }));
    },
    take(maxEvents, maxBytes) {
      const entries: Entry[] = [];
      let bytes = 0;
      for (let next = queue.first; next !== undefined; next = queue.first) {
        if (entries.length > 0 && (entries.length >= maxEvents || bytes + next.bytes > maxBytes)) break;
        shift();
        entries.push(next);
        bytes += next.bytes;
      }
      return entries;
    },
    release,
    clearBlocked,
    clear() {
      const later = clearBlocked();
      const entries: Entry[] = [];
      for (let next = shift(); next !== undefined; next = shift()) entries.push(next);
      release(entries);
      return [...entries, ...later];
    },
  };
}
