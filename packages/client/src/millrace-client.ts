import type { MillraceEvent } from "./event.ts";
import type { Statistics } from "./report.ts";

/** The events that can be sent, by their type: `{ "order.paid": { total: number } }`. */
export type EventTypes = object;
export type EventOf<Types extends EventTypes> = {
  [Type in keyof Types & string]: MillraceEvent<Type, Types[Type]> &
    (undefined extends Types[Type] ? unknown : { readonly data: Types[Type] });
}[keyof Types & string];

export interface MillraceClient<Types extends EventTypes = Record<string, unknown>> extends AsyncDisposable {
  /**
   * Takes an event as it is now, gives it an `id` and a `time` if it has none, and sends it with others. Resolves
   * when it is in the buffer, or given up; need not be awaited but with `overflow: "block"`. Rejects only with
   * `overflow: "error"`, with `event_refused`; not to look at that is no unhandled rejection.
   */
  send(event: EventOf<Types>): Promise<void>;
  /**
   * Sends now what waits. Resolves when all that was sent so far is accepted, rejected or dropped, or when
   * `timeoutMs` is over or the server refuses the key; `queued` tells how much is left. Never rejects.
   */
  flush(options?: FlushOptions): Promise<Statistics>;
  /** Flushes, then drops what is left and every later event. Never rejects; a second call is the first one. */
  close(options?: FlushOptions): Promise<Statistics>;
  stats(): Statistics;
}

export interface FlushOptions {
  /** The client's `flushTimeoutMs` if left out. */
  readonly timeoutMs?: number;
}
