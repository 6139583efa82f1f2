import { EventError } from "../events/parse-event.ts";
import type { ChildField, Encoding } from "./encoding.ts";
import type { Message } from "./message.ts";
import { logRecord, metric, metricTypes, span } from "./schema.ts";

/** What of an event a record determines; its resource and scope do the rest. */
export interface Draft {
  readonly type: "otel.log" | "otel.span" | "otel.metric";
  readonly subject: string | undefined;
  /** Nanoseconds since 1970; absent when the sender knows no time. */
  readonly unixNano: string | undefined;
  /** For records that have an identity of their own; the others are known by their content. */
  readonly id?: string;
  readonly data: object;
}

/** One of OTLP's signals: where its records are in a request, and what events they become. */
export interface Signal {
  readonly path: string;
  readonly resources: ChildField;
  readonly scopes: ChildField;
  readonly records: ChildField;
  /** What the answer calls the number of records that were not accepted. */
  readonly rejected: string;
  /** What the records are called. */
  readonly noun: string;
  /** The events of one entry of `records`; each function throws `EventError` if its record cannot be stored. */
  draftsOf<Node>(encoding: Encoding<Node>, node: Node, decode: Decode<Node>): Iterable<() => Draft>;
}

/**
 * Decodes a message whose encoded length, without parts that `message` does not read, is within the
 * limit of an event. Throws `EventError`.
 */
export type Decode<Node> = <T>(node: Node, message: Message<T>, length?: number) => T;

const logs: Signal = {
  path: "/v1/logs",
  resources: { no: 1, name: "resourceLogs" },
  scopes: { no: 2, name: "scopeLogs" },
  records: { no: 2, name: "logRecords" },
  rejected: "rejectedLogRecords",
  noun: "log records",
  *draftsOf(_encoding, node, decode) {
    yield () => {
      const data = decode(node, logRecord);
      const { timeUnixNano, observedTimeUnixNano, eventName } = data;
      return { type: "otel.log", subject: eventName, unixNano: timeUnixNano ?? observedTimeUnixNano, data };
    };
  },
};

const traces: Signal = {
  path: "/v1/traces",
  resources: { no: 1, name: "resourceSpans" },
  scopes: { no: 2, name: "scopeSpans" },
  records: { no: 2, name: "spans" },
  rejected: "rejectedSpans",
  noun: "spans",
  *draftsOf(_encoding, node, decode) {
    yield () => {
      const data = decode(node, span);
      const { traceId, spanId, name, startTimeUnixNano, endTimeUnixNano } = data;
      if (traceId === undefined || spanId === undefined) {
        const detail =
          "A span needs a traceId of 16 bytes and a spanId of 8, not all zeros; JSON has them in hexadecimal";
        throw new EventError("missing_attribute", detail);
      }
      const unixNano = startTimeUnixNano ?? endTimeUnixNano;
      return { type: "otel.span", subject: name, unixNano, id: `${traceId}-${spanId}`, data };
    };
  },
};

const metrics: Signal = {
  path: "/v1/metrics",
  resources: { no: 1, name: "resourceMetrics" },
  scopes: { no: 2, name: "scopeMetrics" },
  records: { no: 2, name: "metrics" },
  rejected: "rejectedDataPoints",
  noun: "data points",
  *draftsOf(encoding, node, decode) {
    const holders = metricTypes.flatMap((metricType) => {
      const holder = encoding.child(node, metricType);
      return holder === undefined ? [] : [{ metricType, holder }];
    });
    const pointsLength = holders.reduce((sum, { holder }) => sum + encoding.encodedLength(holder), 0);
    const header = once(() => decode(node, metric, encoding.encodedLength(node) - pointsLength));
    for (const { metricType, holder } of holders) {
      // Two numbers at most, however many points are beside them.
      const typeHeader = once(() => decode<object>(holder, metricType.header, 0));
      for (const point of encoding.children(holder, { no: 1, name: "dataPoints" })) {
        yield () => {
          const { asDouble, asInt, ...rest } = decode<Point>(point, metricType.point);
          const value = asInt ?? asDouble;
          const data = {
            ...header(),
            metricType: metricType.name,
            ...typeHeader(),
            ...rest,
            ...(value === undefined ? {} : { value }),
          };
          return { type: "otel.metric", subject: header().name, unixNano: rest.timeUnixNano, data };
        };
      }
    }
  },
};

/** What data points of different types have in common. */
interface Point {
  readonly timeUnixNano?: string;
  readonly asDouble?: number | string;
  readonly asInt?: number | object;
}

export const signals: readonly Signal[] = [logs, traces, metrics];

/** The value, made at the first call; one that could not be made fails every call in the same way. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | { readonly error: unknown } | undefined;
  return () => {
    made ??= attempted(make);
    if ("error" in made) throw made.error;
    return made.value;
  };
}

function attempted<T>(make: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: make() };
  } catch (error) {
    return { error };
  }
}
