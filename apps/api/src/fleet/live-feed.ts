import { startLoop } from "@millrace/runtime";

/** What is looked at again and again while somebody follows it, once for all who do. */
export interface LiveFeed<Value> {
  /** As it is now, or was less than a second ago. */
  now(): Promise<Value>;
  /** Tells it at once, or as soon as it is known, and then each time that it was looked at, until disposed. */
  follow(onValue: (text: string) => void): Disposable;
}

/** Nobody sees a difference that is younger. */
const freshMs = 1_000;

export function createLiveFeed<Value>(collect: () => Promise<Value>, everyMs: number): LiveFeed<Value> {
  const followers = new Set<(text: string) => void>();
  let last: { readonly value: Value; readonly text: string; readonly atMs: number } | undefined;
  let collecting: Promise<Value> | undefined;
  let loop: AsyncDisposable | undefined;

  async function look(): Promise<Value> {
    const value = await collect();
    last = { value, text: JSON.stringify(value), atMs: performance.now() };
    return value;
  }

  function lookOnce(): Promise<Value> {
    collecting ??= look().finally(() => {
      collecting = undefined;
    });
    return collecting;
  }

  async function tick(): Promise<void> {
    await lookOnce();
    const text = last?.text;
    if (text !== undefined) for (const tell of followers) tell(text);
  }

  return {
    now: async () => (last !== undefined && performance.now() - last.atMs < freshMs ? last.value : await lookOnce()),

    follow(onValue) {
      // Its own function, so that one who follows twice is told twice.
      const tell = (text: string): void => onValue(text);
      if (loop !== undefined && last !== undefined) tell(last.text);
      followers.add(tell);
      if (loop === undefined) {
        last = undefined; // of the time when somebody followed before
        loop = startLoop({ everyMs, tick, onError: () => {} });
      }
      return {
        [Symbol.dispose]: () => {
          followers.delete(tell);
          if (followers.size > 0) return;
          void loop?.[Symbol.asyncDispose]();
          loop = undefined;
        },
      };
    },
  };
}
