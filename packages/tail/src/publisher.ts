import { randomBytes } from "node:crypto";
import { startLoop } from "@millrace/runtime";
import { channelsOf } from "./channel.ts";
import { createTailConnection, type TailRedisOptions } from "./connection.ts";
import { createFilterIndex } from "./filter-index.ts";
import { textOf } from "./message.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

export interface TailPublisher extends AsyncDisposable {
  /** Somebody listens. While nobody does, there is nothing to prepare. */
  readonly isWanted: boolean;
  /**
   * Shows committed rows, lines in COPY's text format, to those who listen; gives back at once, never
   * throws, and leaves out what is beyond the limits or cannot be sent.
   */
  publish(lines: readonly string[]): void;
}

export interface TailPublisherOptions extends TailRedisOptions {
  /** How often Redis is asked who listens. */
  readonly everyMs?: number;
  /** Rows that go to one channel in a second. */
  readonly maxRowsPerSecond?: number;
}

/** A channel that somebody listens to. */
interface Wanted {
  readonly name: string;
  readonly rows: TokenBucket;
  leftOut: number;
}

const maxBytesPerSecond = 4 * 1_024 ** 2;
const maxBytesUnderWay = 4 * 1_024 ** 2;

/** Begins to ask who listens. Does not need Redis to be there: the tail is silent until it is. */
export function startTailPublisher(options: TailPublisherOptions): TailPublisher {
  const { prefix, everyMs = 1_000, maxRowsPerSecond = 1_000 } = options;
  const connection = createTailConnection(options);
  const { redis } = connection;
  const channels = channelsOf({ prefix, database: redis.options.db ?? 0 });
  const idStem = randomBytes(5).toString("hex");
  const bytes = createTokenBucket(maxBytesPerSecond);
  let wanted = new Map<string, Wanted>();
  let index = createFilterIndex<Wanted>([]);
  let bytesUnderWay = 0;
  let count = 0;

  function want(names: readonly string[]): void {
    if (names.length === wanted.size && names.every((name) => wanted.has(name))) return;
    const before = wanted;
    const filters = names.flatMap((name) => {
      const filter = channels.filterOf(name);
      return filter === undefined ? [] : [[name, filter] as const];
    });
    const channelOf = (name: string): Wanted =>
      before.get(name) ?? { name, rows: createTokenBucket(maxRowsPerSecond), leftOut: 0 };
    wanted = new Map(filters.map(([name]) => [name, channelOf(name)]));
    index = createFilterIndex(filters.map(([name, filter]) => [filter, wanted.get(name) ?? channelOf(name)]));
  }

  function send(channel: Wanted, lines: readonly string[]): void {
    count += 1;
    const text = textOf({ id: `${idStem}-${count.toString(36)}`, leftOut: channel.leftOut, lines });
    channel.leftOut = 0;
    bytesUnderWay += text.length;
    bytes.take(text.length);
    void connection
      .ask(() => redis.publish(channel.name, text))
      .then((receivers) => {
        bytesUnderWay -= text.length;
        if (receivers === undefined) channel.leftOut += lines.length;
      });
  }

  /** As many of the lines as may go now, taken evenly from all of them. */
  function sampleOf(lines: readonly string[], rows: TokenBucket): readonly string[] {
    const length = lines.reduce((sum, line) => sum + line.length, 0) / lines.length;
    const room = Math.min(bytes.available(), maxBytesUnderWay - bytesUnderWay);
    const most = Math.floor(Math.min(rows.available(), room / length));
    if (most >= lines.length) return lines;
    return most <= 0 ? [] : lines.filter((_, at) => (at * most) % lines.length < most);
  }

  const loop = startLoop({
    everyMs,
    onError: () => {},
    async tick() {
      if (!connection.isReady()) return want([]);
      // Each name is a string, as the server's reply has it.
      const names = await connection.ask(async () => (await redis.pubsub("CHANNELS", channels.pattern)) as string[]);
      want(names ?? []);
      for (const channel of wanted.values()) if (channel.leftOut > 0) send(channel, []);
    },
  });
  redis.on("close", () => want([]));

  return {
    get isWanted() {
      return wanted.size > 0;
    },

    publish(lines) {
      const matched = new Map<Wanted, string[]>();
      for (const line of lines) {
        for (const channel of index.matches(line)) {
          const others = matched.get(channel);
          if (others === undefined) matched.set(channel, [line]);
          else others.push(line);
        }
      }
      for (const [channel, ofChannel] of matched) {
        const sample = redis.status === "ready" ? sampleOf(ofChannel, channel.rows) : [];
        channel.rows.take(sample.length);
        channel.leftOut += ofChannel.length - sample.length;
        if (sample.length > 0) send(channel, sample);
      }
    },

    async [Symbol.asyncDispose]() {
      await loop[Symbol.asyncDispose]();
      connection[Symbol.dispose]();
    },
  };
}
