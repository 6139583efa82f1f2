import type { JobInput } from "@millrace/jobs";
import type { TraceContext } from "@millrace/runtime";
import { unavailable } from "../http/problem.ts";

export interface IngestBufferOptions {
  /** Puts one job into the queue; resolves with its id when Redis has it. */
  readonly add: (payload: JobInput<"importEvents">) => Promise<string>;
  /** A job's rows stay below this many characters. */
  readonly maxJobLength: number;
  /** Events of different requests wait this long for each other when requests follow closely. */
  readonly lingerMs: number;
  /** With more than this many characters on their way to Redis, requests are refused. */
  readonly maxPendingLength: number;
}

export interface IngestRow {
  /** One line in COPY's text format. */
  readonly row: string;
  readonly month: string;
}

export interface RowsFrom {
  /** When the request came, in ms since 1970. */
  readonly receivedAt: number;
  readonly requestId: string;
  /** Where the request is in its trace, if that is recorded. */
  readonly trace?: TraceContext | undefined;
}

interface Chunk {
  rows: string;
  count: number;
  readonly months: Set<string>;
  readonly receivedAt: number;
  /** The first few of those that it holds events of. */
  readonly requests: string[];
  readonly traces: TraceContext[];
  readonly added: PromiseWithResolvers<string>;
}

/** A job names this many of its requests; the log of the API has them all. */
const maxRequestsNamed = 32;

export interface IngestBuffer extends AsyncDisposable {
  /**
   * Puts the rows of one request into jobs that they share with other requests; resolves with the ids of these when
   * Redis has all of them. Rejects with 503 when Redis is away or too slow; what became of the rows is then
   * unknown, and the client sends them again.
   */
  push(rows: readonly IngestRow[], from: RowsFrom): Promise<readonly string[]>;
}

/**
 * Coalesces small requests into few jobs. The first request after a quiet time leaves at the end of
 * the current turn of the event loop; those that follow closely wait for each other, at most
 * `lingerMs`, so that the number of jobs is bounded whatever the number of requests.
 */
export function createIngestBuffer(options: IngestBufferOptions): IngestBuffer {
  const { add, maxJobLength, lingerMs, maxPendingLength } = options;
  const underWay = new Set<Promise<void>>();
  let open: Chunk | undefined;
  let pendingLength = 0;
  let flushedAt = Number.NEGATIVE_INFINITY;

  function flush(): void {
    if (open === undefined) return;
    const { rows, count, months, receivedAt, requests, traces, added } = open;
    open = undefined;
    flushedAt = performance.now();
    const adding = add({ rows, count, months: [...months], receivedAt, requests, ...(traces.length > 0 && { traces }) })
      .then(added.resolve, (error: unknown) =>
        added.reject(unavailable("queue_unavailable", "The queue is not available; send the events again", error)),
      )
      .finally(() => {
        pendingLength -= rows.length;
        underWay.delete(adding);
      });
    underWay.add(adding);
  }

  function openChunk(receivedAt: number): Chunk {
    const added = Promise.withResolvers<string>();
    // Every pusher awaits it; this keeps a rejection between two turns of the loop from being unhandled.
    added.promise.catch(() => {});
    const chunk: Chunk = { rows: "", count: 0, months: new Set(), receivedAt, requests: [], traces: [], added };
    const waitMs = flushedAt + lingerMs - performance.now();
    const flushThis = (): void => {
      if (open === chunk) flush();
    };
    if (waitMs > 0) setTimeout(flushThis, waitMs);
    else setImmediate(flushThis);
    return chunk;
  }

  return {
    async push(rows, { receivedAt, requestId, trace }) {
      if (pendingLength > maxPendingLength) {
        throw unavailable("overloaded", "The queue takes events more slowly than they come; send them again");
      }
      const waits = new Set<Promise<string>>();
      for (const { row, month } of rows) {
        if (open !== undefined && open.rows.length + row.length > maxJobLength) flush();
        open ??= openChunk(receivedAt);
        open.rows += row;
        open.count += 1;
        open.months.add(month);
        pendingLength += row.length;
        if (!waits.has(open.added.promise)) {
          waits.add(open.added.promise);
          if (open.requests.length < maxRequestsNamed) open.requests.push(requestId);
          if (trace !== undefined && open.traces.length < maxRequestsNamed) open.traces.push(trace);
        }
      }
      return await Promise.all(waits);
    },

    async [Symbol.asyncDispose]() {
      flush();
      await Promise.all(underWay);
    },
  };
}
