interface Waiting<Key, Value> {
  readonly key: Key;
  readonly resolve: (value: Value | undefined) => void;
  readonly reject: (error: unknown) => void;
}

const maxGathered = 128;

/**
 * Asks at once for all keys that are asked for while the event loop goes round, as readers of one process do who
 * came together: one command with many keys costs both sides less than as many commands, and one timer is enough.
 * `getAll` gives the values in the order of the keys, with `null` for those that there are none of.
 */
export function createGatherer<Key, Value>(
  getAll: (keys: readonly Key[]) => Promise<readonly (Value | null)[]>,
): (key: Key) => Promise<Value | undefined> {
  let waiting: Waiting<Key, Value>[] = [];

  function flush(): void {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return; // it was full before
    getAll(batch.map(({ key }) => key)).then(
      (values) => {
        for (const [index, { resolve }] of batch.entries()) resolve(values[index] ?? undefined);
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error);
      },
    );
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (waiting.length === 1) setImmediate(flush);
      if (waiting.length === maxGathered) flush();
    });
}
