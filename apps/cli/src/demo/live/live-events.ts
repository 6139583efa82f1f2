import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { DemoEvent } from "../demo-event.ts";
import { type Measurement, measure } from "./measurements.ts";
import { uuidV7 } from "./uuid.ts";

export interface LiveOptions {
  readonly source?: string;
  readonly forMs: number;
  readonly everyMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** The machine's own measurements, a batch of events every `everyMs`, as long as asked for. */
export async function* liveEvents({
  source = hostSource(),
  forMs,
  everyMs,
  signal,
}: LiveOptions): AsyncGenerator<DemoEvent[]> {
  const startedAt = performance.now();
  for (let tick = 0; !signal.aborted && tick * everyMs < forMs; tick += 1) {
    // Rejects only when it is ended early.
    await sleep(Math.max(0, startedAt + tick * everyMs - performance.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const measurements = await measure();
    const now = Date.now();
    yield measurements.map((measurement) => eventOf(measurement, source, now));
  }
}

function eventOf({ type, subject, data }: Measurement, source: string, now: number): DemoEvent {
  return {
    id: uuidV7(now),
    source,
    type,
    time: new Date(now).toISOString(),
    data,
    ...(subject === undefined || subject === "" ? {} : { subject }),
  };
}

export function hostSource(): string {
  return `/hosts/${encodeURIComponent(os.hostname())}`;
}
