import { type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { Span, TraceContext, Tracing } from "@millrace/runtime";

/** Something is put into a queue for one request: `millrace:send`. */
export interface Sending {
  readonly queue: string;
  /** How many things it is. */
  readonly count: number;
  /** Set for the time of the sending: what whoever processes it names as what began it. */
  trace?: TraceContext | undefined;
}

/** Jobs of a queue are processed, up to their COMMIT: `millrace:process`. */
export interface Processing {
  readonly queue: string;
  readonly name: string;
  readonly jobs: readonly string[];
  /** Of the requests that wait for it and are recorded; `undefined` for a job that nobody's request began. */
  readonly traces: readonly TraceContext[] | undefined;
}

export const sendings = tracingChannel<Span | undefined, Sending>("millrace:send");
export const processings = tracingChannel<Span | undefined, Processing>("millrace:process");

/** A batch names this many of its requests. */
const maxTraced = 64;

/** Makes spans of what is sent and processed (OpenTelemetry's conventions for messaging). */
export function traceJobs(tracing: Tracing): void {
  const sent = new WeakMap<Sending, Span>();
  sendings.start.bindStore(tracing.current, (sending) => {
    const { queue, count } = sending;
    const span = tracing.start({
      name: `send ${queue}`,
      kind: "producer",
      attributes: { ...conventions(queue, "send"), "messaging.batch.message_count": count },
    });
    sent.set(sending, span);
    sending.trace = span.context;
    return span;
  });
  ended(sendings, (sending, error) => end(sent.get(sending), error));

  const processed = new WeakMap<Processing, readonly Span[]>();
  processings.start.bindStore(tracing.current, (processing) => {
    const spans = spansOf(tracing, processing);
    processed.set(processing, spans);
    return spans[0]; // where there is none its parts are not recorded either
  });
  ended(processings, (processing, error) => {
    for (const span of processed.get(processing) ?? []) end(span, error);
  });
}

/**
 * The span of a batch, and one in the trace of every request that waits for it, unless that is a single one: then the
 * batch is a part of its trace. Nothing where no request is recorded.
 */
function spansOf(tracing: Tracing, { queue, name, jobs, traces }: Processing): Span[] {
  const contexts = [...new Map((traces ?? []).map((context) => [context.traceparent, context])).values()];
  if (traces !== undefined && contexts.length === 0) return [];
  const options = {
    name: `process ${queue}`,
    kind: "consumer" as const,
    attributes: {
      ...conventions(queue, "process"),
      "messaging.batch.message_count": jobs.length,
      "messaging.message.id": jobs.length === 1 ? jobs[0] : undefined,
      "millrace.job.name": name,
      "millrace.job.ids": jobs.slice(0, maxTraced),
    },
  };
  const [only, ...others] = contexts;
  if (others.length === 0) return [tracing.start({ ...options, parent: only ?? "none" })];
  const named = contexts.slice(0, maxTraced);
  const batch = tracing.start({ ...options, parent: "none", links: named });
  const links = batch.context === undefined ? [] : [batch.context];
  return [batch, ...named.map((parent) => tracing.start({ ...options, parent, links }))];
}

function ended<Event extends object>(
  channels: TracingChannel<Span | undefined, Event>,
  tell: (event: Event, error: unknown) => void,
): void {
  channels.asyncEnd.subscribe((message) => {
    const event = message as Event & { readonly error?: unknown }; // the channel carries nothing else
    tell(event, event.error);
  });
}

function end(span: Span | undefined, error: unknown): void {
  if (error !== undefined) span?.fail(error);
  span?.end();
}

function conventions(queue: string, operation: "send" | "process") {
  return {
    "messaging.system": "bullmq",
    "messaging.destination.name": queue,
    "messaging.operation.name": operation,
    "messaging.operation.type": operation,
  };
}
