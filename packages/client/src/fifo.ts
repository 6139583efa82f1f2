/** First in, first out, without moving what is behind the first. */
export interface Fifo<Item> {
  readonly length: number;
  readonly first: Item | undefined;
  push(item: Item): void;
  shift(): Item | undefined;
}

export function createFifo<Item>(): Fifo<Item> {
  let writing: Item[] = [];
  let reading: (Item | undefined)[] = [];
  let head = 0;
  /** What was written becomes what is read, once all before it is gone. */
  const turn = (): void => {
    if (head < reading.length) return;
    reading = writing;
    writing = [];
    head = 0;
  };
  return {
    get length() {
      return reading.length - head + writing.length;
    },
    get first() {
      turn();
      return reading[head];
    },
    push(item) {
      writing.push(item);
    },
    shift() {
      turn();
      const item = reading[head];
      if (item === undefined) return undefined;
      reading[head] = undefined; // not to be held until the whole array goes
      head += 1;
      return item;
    },
  };
}
