/** A committed row on its way to those who listen. */
export interface TailEvent {
  /** The same in every process that listens to the channel. */
  readonly id: string;
  /** The row, a line in COPY's text format. */
  readonly line: string;
}

export interface HistoryBatch {
  readonly events: readonly TailEvent[];
  readonly leftOut: number;
}

/** What a channel carried lately, so that a client whose connection broke can go on where it was. */
export interface History {
  add(batch: HistoryBatch): void;
  /** All that came after the event with this id, or `undefined` if it is not there any more. */
  after(id: string): HistoryBatch | undefined;
  clear(): void;
}

/** Keeps as many of the newest batches as fit. */
export function createHistory({ maxEvents, maxLength }: { maxEvents: number; maxLength: number }): History {
  let batches: HistoryBatch[] = [];
  let events = 0;
  let length = 0;
  const count = (batch: HistoryBatch, sign: 1 | -1): void => {
    events += sign * batch.events.length;
    length += sign * batch.events.reduce((sum, { line }) => sum + line.length, 0);
  };

  return {
    add(batch) {
      batches.push(batch);
      count(batch, 1);
      while (events > maxEvents || length > maxLength) {
        const oldest = batches.shift();
        if (oldest === undefined) return;
        count(oldest, -1);
      }
    },

    after(id) {
      const found = batches.findIndex((batch) => batch.events.some((event) => event.id === id));
      const [first, ...later] = batches.slice(found);
      if (found < 0 || first === undefined) return undefined;
      const at = first.events.findIndex((event) => event.id === id);
      return {
        events: [...first.events.slice(at + 1), ...later.flatMap((batch) => batch.events)],
        leftOut: later.reduce((sum, batch) => sum + batch.leftOut, 0),
      };
    },

    clear() {
      batches = [];
      events = 0;
      length = 0;
    },
  };
}
