import { startLoop } from "@millrace/runtime";
import { channelsOf, type TailFilter } from "./channel.ts";
import { createTailConnection, type TailRedisOptions } from "./connection.ts";
import { createHistory, type History, type TailEvent } from "./history.ts";
import { messageOf } from "./message.ts";

export type { TailEvent };

export interface TailListener {
  /** Rows that were committed, and how many others the workers left out since the last call. */
  readonly onEvents: (events: readonly TailEvent[], leftOut: number) => void;
  /** Whether rows that are committed now will arrive. While they do not, they are not kept either. */
  readonly onLive: (isLive: boolean) => void;
}

export interface TailFeed extends AsyncDisposable {
  /**
   * Calls the listener until disposed. With `after`, the id of the last event that it has seen, it first
   * gets what it missed; `resumed` is false if that is not known any more.
   */
  listen(filter: TailFilter, listener: TailListener, after?: string): Disposable & { readonly resumed: boolean };
}

export interface TailFeedOptions extends TailRedisOptions {
  /** How long a channel is kept for listeners to come back, after the last of them has gone. */
  readonly keepMs?: number;
  /** How often Redis must show that it is there. */
  readonly everyMs?: number;
}

interface Channel {
  readonly name: string;
  readonly listeners: Set<TailListener>;
  readonly history: History;
  isLive: boolean;
  end: NodeJS.Timeout | undefined;
}

const history = { maxEvents: 1_000, maxLength: 256 * 1_024 };
/** So many channels are kept for listeners to come back. */
const maxKept = 32;

/** Receives what the workers publish. Connects to Redis when somebody listens for the first time. */
export function createTailFeed(options: TailFeedOptions): TailFeed {
  const { prefix, keepMs = 30_000, everyMs = 3_000 } = options;
  const connection = createTailConnection(options);
  const { redis } = connection;
  const names = channelsOf({ prefix, database: redis.options.db ?? 0 });
  const channels = new Map<string, Channel>();

  redis.on("message", (name: string, text: string) => {
    const channel = channels.get(name);
    if (channel === undefined) return;
    const { id, leftOut, lines } = messageOf(text);
    const events = lines.map((line, at) => ({ id: `${id}.${at}`, line }));
    channel.history.add({ events, leftOut });
    for (const listener of channel.listeners) listener.onEvents(events, leftOut);
  });
  redis.on("ready", () => {
    for (const channel of channels.values()) void subscribe(channel);
  });
  redis.on("close", () => {
    for (const channel of channels.values()) setLive(channel, false);
  });

  async function subscribe(channel: Channel): Promise<void> {
    const answer = await connection.ask(() => redis.subscribe(channel.name));
    if (answer !== undefined && channels.get(channel.name) === channel) setLive(channel, true);
  }

  function setLive(channel: Channel, isLive: boolean): void {
    if (channel.isLive === isLive) return;
    channel.isLive = isLive;
    // What is published from now on until Redis is back is missing after it.
    if (!isLive) channel.history.clear();
    for (const listener of channel.listeners) listener.onLive(isLive);
  }

  function open(name: string): Channel {
    const channel: Channel = {
      name,
      listeners: new Set(),
      history: createHistory(history),
      isLive: false,
      end: undefined,
    };
    channels.set(name, channel);
    if (connection.isReady()) void subscribe(channel);
    return channel;
  }

  function close(channel: Channel): void {
    clearTimeout(channel.end);
    channels.delete(channel.name);
    if (redis.status === "ready") void connection.ask(() => redis.unsubscribe(channel.name));
  }

  function leave(channel: Channel): void {
    if (channel.listeners.size > 0 || channels.get(channel.name) !== channel) return;
    channel.end = setTimeout(() => close(channel), keepMs).unref();
    // In the order in which they were left, since a channel that is left goes to the end of the map.
    channels.delete(channel.name);
    channels.set(channel.name, channel);
    const kept = [...channels.values()].filter(({ listeners }) => listeners.size === 0);
    for (const oldest of kept.slice(0, Math.max(0, kept.length - maxKept))) close(oldest);
  }

  // A server that is gone without a word is noticed by its silence.
  const watch = startLoop({
    everyMs,
    onError: () => {},
    async tick() {
      if (channels.size === 0 || !connection.isReady()) return;
      await connection.ask(() => redis.ping());
    },
  });

  return {
    listen(filter, listener, after) {
      const name = names.nameOf(filter);
      const channel = channels.get(name) ?? open(name);
      clearTimeout(channel.end);
      channel.listeners.add(listener);
      listener.onLive(channel.isLive);
      const missed = after === undefined ? undefined : channel.history.after(after);
      if (missed !== undefined) listener.onEvents(missed.events, missed.leftOut);
      return {
        resumed: missed !== undefined,
        [Symbol.dispose]() {
          if (channel.listeners.delete(listener)) leave(channel);
        },
      };
    },

    async [Symbol.asyncDispose]() {
      for (const channel of channels.values()) clearTimeout(channel.end);
      channels.clear();
      await watch[Symbol.asyncDispose]();
      connection[Symbol.dispose]();
    },
  };
}
