import { defaultPrefix, producerConnection, type QueueRedisOptions } from "./connection.ts";

export interface MailboxOptions extends QueueRedisOptions {
  /** Unique among all that there are. */
  readonly name: string;
  /** Called with every letter that arrives while Redis can be reached; those of other times are lost. */
  readonly onLetter: (text: string) => void;
  readonly onError: (error: Error) => void;
}

/** Short news for one process, from whoever knows its name. Whoever needs to be sure has to ask besides. */
export function openMailbox({ url, prefix = defaultPrefix, name, onLetter, onError }: MailboxOptions): AsyncDisposable {
  const redis = producerConnection(url, { isForListening: true });
  redis.on("error", onError);
  redis.on("message", (_channel: string, text: string) => onLetter(text));
  const subscribe = (): void => {
    redis.subscribe(channelOf(prefix, name)).catch(onError);
  };
  redis.on("ready", subscribe);
  redis.connect().catch(() => {}); // told by the event "error"
  return {
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}

export function channelOf(prefix: string, mailbox: string): string {
  return `${prefix}:mail:${mailbox}`;
}
