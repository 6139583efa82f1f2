/**
 * Gives a function that finds a row by its hash. There is one query at a time; hashes asked for
 * meanwhile share the next one, so that any number of unknown hashes takes up one connection at most.
 */
export function createHashFinder<Row extends { readonly hash: string }>(
  ask: (hashes: readonly Buffer[]) => Promise<readonly Row[]>,
): (hash: string) => Promise<Row | undefined> {
  let waiting = new Map<string, PromiseWithResolvers<Row | undefined>>();
  let isAsking = false;

  async function askForAll(): Promise<void> {
    isAsking = true;
    while (waiting.size > 0) {
      const asked = waiting;
      waiting = new Map();
      try {
        const rows = await ask([...asked.keys()].map((hash) => Buffer.from(hash, "hex")));
        const byHash = new Map(rows.map((row) => [row.hash, row]));
        for (const [hash, { resolve }] of asked) resolve(byHash.get(hash));
      } catch (error) {
        for (const { reject } of asked.values()) reject(error);
      }
    }
    isAsking = false;
  }

  return (hash) => {
    const found = waiting.get(hash) ?? Promise.withResolvers<Row | undefined>();
    waiting.set(hash, found);
    if (!isAsking) void askForAll();
    return found.promise;
  };
}
