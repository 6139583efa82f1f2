export interface BatcherOptions<Item> {
  /** Makes the items of one batch durable, all of them; it may be called again with the same items after a crash. */
  readonly store: (items: readonly Item[]) => Promise<void>;
  readonly sizeOf: (item: Item) => { rows: number; length: number };
  readonly maxRows: number;
  readonly maxLength: number;
  /** How long the first item of a batch waits for others. */
  readonly maxWaitMs: number;
  readonly maxParallel: number;
}

export interface Batcher<Item> extends AsyncDisposable {
  /** Resolves when the batch that holds the item is stored; rejects when storing it failed. */
  push(item: Item): Promise<void>;
}

interface Batch<Item> {
  readonly items: Item[];
  rows: number;
  length: number;
  isDue: boolean;
  readonly stored: PromiseWithResolvers<void>;
}

/**
 * Gathers what comes from many callers into few batches. A batch leaves when it is full or has waited
 * long enough, and fewer than `maxParallel` are under way; while they are, the next ones grow.
 * Disposing stores what is left at once.
 */
export function createBatcher<Item>(options: BatcherOptions<Item>): Batcher<Item> {
  const { store, sizeOf, maxRows, maxLength, maxWaitMs, maxParallel } = options;
  const waiting: Batch<Item>[] = [];
  const underWay = new Set<Promise<void>>();

  function openBatch(): Batch<Item> {
    const batch: Batch<Item> = { items: [], rows: 0, length: 0, isDue: false, stored: Promise.withResolvers<void>() };
    batch.stored.promise.catch(() => {}); // every caller awaits it in `push`
    waiting.push(batch);
    setTimeout(() => {
      batch.isDue = true;
      storeDue();
    }, maxWaitMs);
    return batch;
  }

  function storeDue(): void {
    while (waiting[0]?.isDue && underWay.size < maxParallel) {
      const batch = waiting.shift();
      if (batch === undefined) return;
      const storing = store(batch.items)
        .then(batch.stored.resolve, batch.stored.reject)
        .finally(() => {
          underWay.delete(storing);
          storeDue();
        });
      underWay.add(storing);
    }
  }

  return {
    async push(item) {
      const { rows, length } = sizeOf(item);
      let batch = waiting.at(-1);
      if (
        batch !== undefined &&
        batch.items.length > 0 &&
        (batch.rows + rows > maxRows || batch.length + length > maxLength)
      ) {
        batch.isDue = true;
        batch = undefined;
      }
      batch ??= openBatch();
      batch.items.push(item);
      batch.rows += rows;
      batch.length += length;
      if (batch.rows >= maxRows || batch.length >= maxLength) batch.isDue = true;
      storeDue();
      await batch.stored.promise;
    },

    async [Symbol.asyncDispose]() {
      for (const batch of waiting) batch.isDue = true;
      storeDue();
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
