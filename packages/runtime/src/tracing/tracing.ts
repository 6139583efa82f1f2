import type { AsyncLocalStorage } from "node:async_hooks";
import { z } from "zod";

/** Where something is in a trace, as W3C Trace Context writes it; it goes wherever the work goes. */
export const traceContext = z.object({ traceparent: z.string(), tracestate: z.string().optional() });
export type TraceContext = Readonly<z.output<typeof traceContext>>;

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface SpanOptions {
  readonly name: string;
  readonly kind: "server" | "client" | "producer" | "consumer";
  readonly attributes: Attributes;
  /** What it is a part of; without it a part of what is under way, or of nothing where nothing is. */
  readonly parent?: TraceContext | "none" | undefined;
  /** What else it has to do with. */
  readonly links?: readonly TraceContext[];
  /** For how long it has been going on already. */
  readonly sinceMs?: number;
}

/** A part of a trace. Without being recorded it takes everything and keeps nothing. */
export interface Span {
  /** `undefined` when the trace is not recorded, and so nobody needs to know of it. */
  readonly context: TraceContext | undefined;
  readonly traceId: string;
  set(attributes: Attributes): void;
  /** The type of the error and its message are shown. */
  fail(error: unknown, attributes?: Attributes): void;
  end(): void;
}

/** Makes the spans of a process. There is none where tracing is off. */
export interface Tracing extends AsyncDisposable {
  start(options: SpanOptions): Span;
  /** The span that is under way, which others become parts of. */
  readonly current: AsyncLocalStorage<Span | undefined>;
}
