import { Readable } from "node:stream";
import { createTokenBucket } from "@millrace/tail";
import { messageText } from "./tail-text.ts";

export interface TailLimits {
  /** Events sent to one client in a second. */
  readonly maxEventsPerSecond: number;
  /** What may wait for one client in memory before events are dropped for it. */
  readonly maxWaitingBytes: number;
  /** A client that has taken nothing for so long, while something waited, is cut off. */
  readonly stallMs: number;
  /** A comment is sent when nothing else was for so long, so that no proxy takes the connection for dead. */
  readonly heartbeatMs: number;
}

/** Why events were not sent: the client took them too slowly, they were too many for it, or for the workers. */
export type DropReason = "slow" | "rate" | "sampled";

/** One client that follows the tail. What waits for it is bounded, however slowly it reads. */
export interface TailClient {
  readonly stream: Readable;
  /** Sends an event, or drops and counts it. `text` is called only if the event is sent. */
  send(text: () => string): void;
  /** Counts events that were dropped elsewhere. */
  drop(reason: DropReason, count: number): void;
  /** Sends something that is not an event and never dropped; there must be little of it. */
  tell(text: string): void;
  /** To be called about every second: tells what was dropped, keeps the connection alive, cuts off who does not read. */
  tick(): void;
  /** Ends the response; what still waits has a second to go. */
  end(): void;
}

const endMs = 1_000;

/** `now` is a clock in milliseconds that never goes back. */
export function createTailClient(limits: TailLimits, now: () => number = () => performance.now()): TailClient {
  const { maxEventsPerSecond, maxWaitingBytes, stallMs, heartbeatMs } = limits;
  const stream = new Readable({ read() {} });
  const rate = createTokenBucket(maxEventsPerSecond, now);
  const dropped = { slow: 0, rate: 0, sampled: 0 };
  let isEnded = false;
  let pushedBytes = 0;
  let pushedAtMs = now();
  let taken = { bytes: 0, atMs: now() };

  function push(text: string): void {
    if (stream.destroyed || isEnded) return;
    const bytes = Buffer.from(text);
    pushedBytes += bytes.length;
    pushedAtMs = now();
    stream.push(bytes);
  }

  function tellDropped(): void {
    const count = dropped.slow + dropped.rate + dropped.sampled;
    if (count === 0 || stream.readableLength > maxWaitingBytes) return;
    push(messageText("dropped", { count, ...dropped }));
    dropped.slow = dropped.rate = dropped.sampled = 0;
  }

  function isStalled(): boolean {
    const bytes = pushedBytes - stream.readableLength;
    if (stream.readableLength === 0 || bytes !== taken.bytes) taken = { bytes, atMs: now() };
    return now() - taken.atMs >= stallMs;
  }

  return {
    stream,

    send(text) {
      if (rate.available() < 1) dropped.rate += 1;
      else if (stream.readableLength > maxWaitingBytes) dropped.slow += 1;
      else {
        rate.take(1);
        push(text());
      }
    },

    drop(reason, count) {
      dropped[reason] += count;
    },

    tell: push,

    tick() {
      if (isStalled()) stream.destroy();
      tellDropped();
      if (now() - pushedAtMs >= heartbeatMs && stream.readableLength === 0) push(":\n\n");
    },

    end() {
      isEnded = true;
      stream.push(null);
      setTimeout(() => stream.destroy(), endMs).unref();
    },
  };
}
