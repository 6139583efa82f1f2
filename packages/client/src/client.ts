import { createBuffer, type Entry } from "./buffer.ts";
import { closeOnExit } from "./close-on-exit.ts";
import { createDelivery } from "./deliver.ts";
import { encodeEvent, type MillraceEvent } from "./event.ts";
import { createFlushes } from "./flushes.ts";
import type { EventTypes, FlushOptions, MillraceClient } from "./millrace-client.ts";
import { MillraceError } from "./millrace-error.ts";
import { type ClientOptions, settingsOf } from "./options.ts";
import { createHold } from "./pause.ts";
import { createReport, type DropReason, type Statistics } from "./report.ts";

/** Makes a client; nothing is sent before the first event. Throws a `MillraceError` with `invalid_options`. */
export function createClient<Types extends EventTypes = Record<string, unknown>>(
  options: ClientOptions,
): MillraceClient<Types> {
  const settings = settingsOf(options);
  const { maxBatchEvents, maxBatchBytes, lingerMs, maxInFlight } = settings;
  const report = createReport(options);
  const buffer = createBuffer(settings, (oldest) => drop([oldest], "overflow"));
  const hold = createHold();
  const inFlight = new Map<number, Promise<void>>();
  const flushes = createFlushes();
  let lastNumber = 0;
  /** Events up to this number do not wait for a batch to fill. */
  let dueThrough = 0;
  let linger: NodeJS.Timeout | undefined;
  let closing: Promise<Statistics> | undefined;

  const delivery = createDelivery(settings, {
    failed: report.failed,
    retried: report.retried,
    accepted(entries) {
      report.accepted(entries.length);
      buffer.release(entries);
    },
    rejected(entry, rejection) {
      buffer.release([entry]);
      report.rejected(eventOf(entry), rejection);
    },
    dropped(entries, reason) {
      buffer.release(entries);
      drop(entries, reason);
    },
    refused(error) {
      report.failed(error);
      drop(buffer.clearBlocked(), "overflow");
      flushes.end(Number.POSITIVE_INFINITY);
    },
  });
  const exits = closeOnExit(settings.closeOn, { isEmpty: () => report.statistics().queued === 0, close });

  return { send, flush, close, stats: report.statistics, [Symbol.asyncDispose]: async () => void (await close()) };

  function send(event: MillraceEvent): Promise<void> {
    report.sent();
    if (closing !== undefined) return refuse(() => event, "closed");
    let json: string;
    try {
      json = encodeEvent(event);
    } catch (error) {
      report.rejected(event, { code: "not_serialisable", message: String(error) });
      return done;
    }
    const bytes = Buffer.byteLength(json) + 1;
    if (bytes > settings.maxBufferBytes) {
      report.rejected(event, { code: "event_too_large", message: `The event has ${bytes} bytes of JSON` });
      return done;
    }
    lastNumber += 1;
    const entry: Entry = { number: lastNumber, json, bytes };
    const added = delivery.isRefused && buffer.isFull && settings.overflow === "block" ? false : buffer.add(entry);
    pump();
    if (added === true) return done;
    if (added === false) return refuse(() => eventOf(entry), "overflow");
    return hold.during(added);
  }

  function refuse(event: () => MillraceEvent, reason: DropReason): Promise<void> {
    report.dropped(event, reason);
    if (settings.overflow !== "error") return done;
    const why = reason === "closed" ? "The client is closed" : "The buffer is full";
    const refused = Promise.reject(new MillraceError("event_refused", `${why}; the event was dropped`));
    refused.catch(() => {});
    return refused;
  }

  function drop(entries: readonly Entry[], reason: DropReason): void {
    for (const entry of entries) report.dropped(() => eventOf(entry), reason);
  }

  /** Begins as many requests as may be under way; what is left waits for others to come, or for a request to end. */
  function pump(): void {
    while (inFlight.size < maxInFlight && !delivery.isRefused && isDue()) {
      const batch = buffer.take(maxBatchEvents, maxBatchBytes);
      const [first] = batch;
      if (first === undefined) return;
      const delivered = delivery.deliver(batch).then(() => {
        inFlight.delete(first.number);
        pump();
        flushes.end(firstUndecided());
      });
      inFlight.set(first.number, delivered);
    }
    if (linger !== undefined || buffer.waiting.events === 0 || lastNumber <= dueThrough) return;
    linger = setTimeout(() => {
      linger = undefined;
      dueThrough = lastNumber;
      pump();
    }, lingerMs).unref();
  }

  function isDue(): boolean {
    const { events, bytes } = buffer.waiting;
    if (events === 0) return false;
    return (
      events >= maxBatchEvents || bytes >= maxBatchBytes || buffer.isFull || (buffer.firstNumber ?? 0) <= dueThrough
    );
  }

  function firstUndecided(): number {
    return Math.min(buffer.firstNumber ?? Number.POSITIVE_INFINITY, ...inFlight.keys());
  }

  async function flush({ timeoutMs = settings.flushTimeoutMs }: FlushOptions = {}): Promise<Statistics> {
    const through = lastNumber;
    dueThrough = through;
    delivery.resume();
    pump();
    if (firstUndecided() <= through) await hold.during(flushes.wait(through, timeoutMs));
    return report.statistics();
  }

  function close(options?: FlushOptions): Promise<Statistics> {
    closing ??= closed(options);
    return closing;
  }

  async function closed(options?: FlushOptions): Promise<Statistics> {
    await flush(options);
    clearTimeout(linger);
    delivery.abandon();
    drop(buffer.clear(), "closed");
    await hold.during(Promise.all(inFlight.values()));
    exits[Symbol.dispose]();
    return report.statistics();
  }
}

const done = Promise.resolve();

function eventOf({ json }: Entry): MillraceEvent {
  return JSON.parse(json) as MillraceEvent; // written by encodeEvent
}
