import { channel } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { isPassing } from "@millrace/db";
import { type JobHandler, type JobPayload, type JobRun, type Processing, processings } from "@millrace/jobs";
import { backoffMs, onBehalfOf } from "@millrace/runtime";
import { originOfBatch } from "../batch-origin.ts";
import { type BatcherOptions, createBatcher } from "../batcher.ts";
import type { EventRows, StoredCounts } from "./store-events.ts";

/** What is published on `millrace:events` for each batch of jobs. */
export type EventsEvent =
  | {
      readonly kind: "committed";
      readonly jobs: readonly JobPayload<"importEvents">[];
      readonly counts: StoredCounts;
      readonly storeMs: number;
    }
  | { readonly kind: "delayed"; readonly error: unknown; readonly attempt: number };

export const eventsEvents = channel("millrace:events");

export interface ImportEventsNeeds {
  readonly storeEvents: (batch: readonly EventRows[]) => Promise<StoredCounts>;
  readonly batch: Pick<BatcherOptions<unknown>, "maxRows" | "maxLength" | "maxWaitMs" | "maxParallel">;
}

export interface ImportEvents extends AsyncDisposable {
  readonly handler: JobHandler<"importEvents">;
  /** No more waiting for company: jobs are stored as they come, and faults go back to the queue. */
  drain(): void;
}

interface ImportJob {
  readonly payload: JobPayload<"importEvents">;
  readonly run: JobRun;
}

/**
 * Stores the rows of many jobs in one transaction; each job is acknowledged after that COMMIT. While
 * PostgreSQL is away the jobs stay where they are and are tried again, without end: their locks are
 * kept, no further ones are taken, and the queue holds the rest.
 */
export function createImportEvents({ storeEvents, batch }: ImportEventsNeeds): ImportEvents {
  const draining = new AbortController();

  function store(batch: readonly ImportJob[]): Promise<void> {
    const jobs = batch.map(({ payload }) => payload);
    const runs = batch.map(({ run }) => run);
    const processing: Processing = {
      queue: "ingest",
      name: "events.import",
      jobs: runs.map(({ id }) => id),
      traces: jobs.flatMap(({ traces }) => traces ?? []),
    };
    const origin = originOfBatch(
      runs,
      jobs.flatMap(({ requests }) => requests ?? []),
    );
    return onBehalfOf(origin, () => processings.tracePromise(() => storeUntilDone(jobs), processing));
  }

  async function storeUntilDone(jobs: readonly JobPayload<"importEvents">[]): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const startedAt = performance.now();
      try {
        const counts = await storeEvents(jobs);
        const event: EventsEvent = { kind: "committed", jobs, counts, storeMs: performance.now() - startedAt };
        eventsEvents.publish(event);
        return;
      } catch (error) {
        if (!isPassing(error) || draining.signal.aborted) throw error;
        const event: EventsEvent = { kind: "delayed", error, attempt };
        eventsEvents.publish(event);
        // Rejects only when draining, and then the next try is the last.
        await sleep(backoffMs({ baseMs: 100, maxMs: 5_000 }, attempt), undefined, { signal: draining.signal }).catch(
          () => {},
        );
      }
    }
  }

  const batcher = createBatcher<ImportJob>({
    ...batch,
    store,
    sizeOf: ({ payload: { rows, count } }) => ({ rows: count, length: rows.length }),
  });
  return {
    handler: (payload, run) => batcher.push({ payload, run }),
    drain: () => draining.abort(),
    [Symbol.asyncDispose]: () => batcher[Symbol.asyncDispose](),
  };
}
