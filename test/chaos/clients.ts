import { setTimeout as sleep } from "node:timers/promises";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { untilAccepted } from "./retrying.ts";

/** What clients were told, by the marks of their events. */
export interface Ledger {
  /** Events that were answered 202. */
  readonly accepted: Set<string>;
  /** Events of requests that were given up when the run ended: they may be stored or not. */
  readonly unanswered: Set<string>;
  /** Answers that the protocol does not have for a sound request. */
  readonly violations: string[];
  retries: number;
  /** In ms since 1970. */
  lastAcceptedAt: number;
}

export interface ClientOptions {
  readonly url: string;
  readonly key: string;
  readonly ledger: Ledger;
  readonly seed: number;
  readonly name: string;
  readonly pauseMs: number;
  /** No new requests after this; those under way are tried until `giveUp`. */
  readonly stop: AbortSignal;
  readonly giveUp: AbortSignal;
}

interface Sent {
  readonly marks: readonly string[];
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends requests one after the other, each until it is accepted. Some that were accepted are sent once more. */
export async function runClient(options: ClientOptions): Promise<void> {
  const { ledger, seed, name, pauseMs, stop, giveUp } = options;
  const generator = xoroshiro128plus(seed);
  const below = (bound: number): number => uniformInt(generator, 0, bound - 1);
  for (let count = 0; !stop.aborted; count += 1) {
    const sent = requestOf(`${name}-${count}`, below);
    const isAccepted = await sendUntilAccepted(options, sent);
    if (isAccepted) ledger.lastAcceptedAt = Date.now();
    for (const mark of sent.marks) (isAccepted ? ledger.accepted : ledger.unanswered).add(mark);
    if (isAccepted && below(10) === 0) await sendUntilAccepted(options, sent);
    await sleep(below(2 * pauseMs), undefined, { signal: giveUp }).catch(() => {});
  }
}

/** One event, a batch with an event twice, NDJSON, events of late months, or events without ids and an Idempotency-Key. */
function requestOf(name: string, below: (bound: number) => number): Sent {
  const now = Date.now();
  const event = (mark: string, ageMs = 0) => ({
    id: mark,
    source: "/chaos",
    type: "chaos",
    time: new Date(now - ageMs).toISOString(),
    data: { mark },
  });
  const marks = Array.from({ length: 20 + below(60) }, (_, index) => `${name}-${index}`);
  const json = { "content-type": "application/json" };
  switch (below(5)) {
    case 0:
      return { marks: [name], body: JSON.stringify(event(name)), headers: json };
    case 1: {
      const events = marks.map((mark) => event(mark));
      return { marks, body: JSON.stringify([...events, events[0]]), headers: json };
    }
    case 2: {
      const body = marks.map((mark) => JSON.stringify(event(mark))).join("\n");
      return { marks, body, headers: { "content-type": "application/x-ndjson" } };
    }
    case 3: {
      const monthMs = 31 * 24 * 3_600_000;
      return { marks, body: JSON.stringify(marks.map((mark) => event(mark, below(24) * monthMs))), headers: json };
    }
    default: {
      const events = marks.map((mark) => ({ source: "/chaos", type: "chaos", data: { mark } }));
      return { marks, body: JSON.stringify(events), headers: { ...json, "idempotency-key": name } };
    }
  }
}

async function sendUntilAccepted({ url, key, ledger, giveUp }: ClientOptions, sent: Sent): Promise<boolean> {
  const headers = { ...sent.headers, authorization: `Bearer ${key}` };
  const answer = await untilAccepted(
    `${url}/v1/events`,
    { method: "POST", headers, body: sent.body },
    {
      isAccepted: (status) => status === 202,
      giveUp,
      onRetry: () => {
        ledger.retries += 1;
      },
      onViolation: (text) => ledger.violations.push(text),
    },
  );
  return answer !== undefined;
}
