import { type Db, statement } from "@millrace/db";

/** A span as the fleet that received it has stored it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code: string };
  readonly resource: { readonly attributes: Readonly<Record<string, unknown>> };
}

const allSpans = statement<[], { data: ReceivedSpan }>(
  "test.all_spans",
  "SELECT data FROM telemetry_events WHERE type = 'otel.span' ORDER BY time, id",
);

/** All but those of upkeep, which goes by the clock. */
export async function spansIn(db: Db): Promise<ReceivedSpan[]> {
  const spans = (await db.rows(allSpans, [])).map(({ data }) => data);
  const upkeep = new Set(spans.filter(({ name }) => name === "process upkeep").map(({ traceId }) => traceId));
  return spans.filter(({ traceId }) => !upkeep.has(traceId));
}

/** The trace's spans as lines, each below what it is a part of; those without a part of the trace as parent come first. */
export function treeOf(spans: readonly ReceivedSpan[], traceId: string): string[] {
  const own = spans.filter((span) => span.traceId === traceId);
  const known = new Set(own.map(({ spanId }) => spanId));
  const below = (parent: string | undefined, depth: number): string[] =>
    own
      .filter(({ parentSpanId }) => (parent === undefined ? !known.has(parentSpanId ?? "") : parentSpanId === parent))
      .flatMap((span) => [`${"  ".repeat(depth)}${span.kind} ${span.name}`, ...below(span.spanId, depth + 1)]);
  return below(undefined, 0);
}
