import { fieldsOf } from "@millrace/events";
import type { TailEvent, TailFeed } from "@millrace/tail";
import { contains, parseExactJson } from "./contains.ts";
import type { TailClient } from "./tail-client.ts";
import { eventText, messageText } from "./tail-text.ts";

/** What a client asked for. `data` is JSON text; `after` is the id of the last event that it has seen. */
export interface TailQuery {
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
  readonly data?: string | undefined;
  readonly after?: string | undefined;
}

/** Events that several clients follow are written once. */
const texts = new WeakMap<TailEvent, string>();

/** Sends the client what the feed has for it, until disposed. */
export function followTail(feed: TailFeed, client: TailClient, { data, after, ...filter }: TailQuery): Disposable {
  const isWanted = data === undefined ? () => true : filterOf(data);
  const listener = {
    onEvents(events: readonly TailEvent[], leftOut: number) {
      client.drop("sampled", leftOut);
      for (const event of events) if (isWanted(event)) client.send(() => textOf(event));
    },
    onLive(live: boolean) {
      client.tell(messageText("status", { live }));
    },
  };
  const following = feed.listen(filter, listener, after);
  if (after !== undefined && !following.resumed) client.tell(messageText("gap", { after }));
  return following;
}

function filterOf(data: string): (event: TailEvent) => boolean {
  const part = parseExactJson(data);
  return ({ line }) => {
    const dataJson = fieldsOf(line)[5];
    return dataJson !== undefined && contains(parseExactJson(dataJson), part);
  };
}

function textOf(event: TailEvent): string {
  const known = texts.get(event);
  if (known !== undefined) return known;
  const text = eventText(event);
  texts.set(event, text);
  return text;
}
