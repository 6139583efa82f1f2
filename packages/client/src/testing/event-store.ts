import type { MillraceEvent } from "../event.ts";
import type { Reply, Request } from "./fault-server.ts";

export interface EventStore {
  /** By `id`, `source` and `time`, as Millrace keeps them. */
  readonly events: ReadonlyMap<string, MillraceEvent>;
  answer(request: Request): Reply;
}

/** Answers as `POST /v1/events` does. An event with `data: "bad"` is rejected; `maxEvents` is that of a request. */
export function createEventStore({ maxEvents = 10_000 } = {}): EventStore {
  const events = new Map<string, MillraceEvent>();
  return {
    events,
    answer({ events: sent }) {
      if (sent.length > maxEvents) {
        return { status: 413, body: { type: "/problems/too_many_events", detail: `At most ${maxEvents}` } };
      }
      const rejected = [...sent.entries()]
        .filter(([, { data }]) => data === "bad")
        .map(([index]) => ({ index, code: "invalid_event", message: "It is bad" }));
      for (const event of sent) {
        if (event.data !== "bad") events.set(`${event.id} ${event.source} ${event.time}`, event);
      }
      const accepted = sent.length - rejected.length;
      const type = "/problems/no_event_accepted";
      return accepted === 0
        ? { status: 400, body: { type, detail: "None", accepted, rejected } }
        : { status: 202, body: { accepted, rejected } };
    },
  };
}
