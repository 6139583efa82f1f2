import type { Api } from "./api-client.ts";
import type { Confirmation } from "./confirmation.ts";
import type { DemoEvent } from "./demo-event.ts";

/** What became of the events so far. */
export interface Tally {
  sent: number;
  accepted: number;
  /** How many were rejected with each code, and the first message of it. */
  readonly rejected: Map<string, { count: number; message: string }>;
}

export function createTally(): Tally {
  return { sent: 0, accepted: 0, rejected: new Map() };
}

export interface SendOptions {
  readonly api: Pick<Api, "send">;
  readonly confirmation: Pick<Confirmation, "add">;
  readonly tally: Tally;
  readonly maxInFlight?: number;
}

/**
 * Sends batches of events, a few at a time, and takes batches only as fast as they are accepted. After the
 * first one that fails no other is begun; those under way are finished, and then it throws.
 */
export async function sendAll(batches: AsyncIterable<readonly DemoEvent[]>, options: SendOptions): Promise<void> {
  const { api, confirmation, tally, maxInFlight = 4 } = options;
  const inFlight = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  async function sendBatch(batch: readonly DemoEvent[]): Promise<void> {
    const { accepted, rejected } = await api.send(batch);
    tally.sent += batch.length;
    tally.accepted += accepted;
    for (const { code, message } of rejected) {
      const count = (tally.rejected.get(code)?.count ?? 0) + 1;
      tally.rejected.set(code, { message, ...tally.rejected.get(code), count });
    }
    const bad = new Set(rejected.map(({ index }) => index));
    await confirmation.add(batch.filter((_event, index) => !bad.has(index)));
  }

  async function begin(batch: readonly DemoEvent[]): Promise<void> {
    while (inFlight.size >= maxInFlight) await Promise.race(inFlight);
    if (failure !== undefined) return;
    const sending = sendBatch(batch)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => inFlight.delete(sending));
    inFlight.add(sending);
  }

  for await (const batch of batches) {
    await begin(batch);
    if (failure !== undefined) break;
  }
  await Promise.all(inFlight);
  if (failure !== undefined) throw failure.error;
}

/** Groups events for one request each, by number and by characters before compression. */
export async function* inBatches(
  events: AsyncIterable<DemoEvent>,
  { maxEvents = 500, maxLength = 1_000_000 } = {},
): AsyncGenerator<DemoEvent[]> {
  let batch: DemoEvent[] = [];
  let length = 0;
  for await (const event of events) {
    batch.push(event);
    length += JSON.stringify(event.data).length;
    if (batch.length < maxEvents && length < maxLength) continue;
    yield batch;
    batch = [];
    length = 0;
  }
  if (batch.length > 0) yield batch;
}
