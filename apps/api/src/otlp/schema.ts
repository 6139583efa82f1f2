import { anyValue } from "./any-value.ts";
import { attributes, field, message, optional, repeated } from "./message.ts";
import {
  bool,
  double,
  enumName,
  enumNumber,
  fixed32,
  fixed64,
  id,
  sfixed64,
  sint32,
  text,
  uint32,
  uint64,
  unixNano,
} from "./scalars.ts";

/**
 * The messages of OTLP 1.x with their field numbers (https://github.com/open-telemetry/opentelemetry-proto,
 * `opentelemetry/proto/{common,resource,logs,trace,metrics}/v1`), without the lists that `encoding.ts`
 * goes through one by one: those of a request's resources, scopes, records and data points.
 */

const droppedAttributesCount = (no: number) => field(no, uint32);
const traceId = id(16);
const spanId = id(8);

export const resource = message({ attributes: attributes(1), droppedAttributesCount: droppedAttributesCount(2) });

export const scope = message({
  name: field(1, text),
  version: field(2, text),
  attributes: attributes(3),
  droppedAttributesCount: droppedAttributesCount(4),
});

/** Of `ResourceLogs`, `ScopeLogs` and their like: which version of the semantic conventions they follow. */
export const schemaUrl = message({ schemaUrl: field(3, text) });

const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const severities = levels.flatMap((level) => [level, `${level}2`, `${level}3`, `${level}4`]);

export const logRecord = message({
  timeUnixNano: field(1, unixNano),
  observedTimeUnixNano: field(11, unixNano),
  severityNumber: field(2, enumNumber("SEVERITY_NUMBER_", ["UNSPECIFIED", ...severities])),
  severityText: field(3, text),
  eventName: field(12, text),
  body: optional(5, anyValue),
  attributes: attributes(6),
  droppedAttributesCount: droppedAttributesCount(7),
  flags: field(8, fixed32),
  traceId: field(9, traceId),
  spanId: field(10, spanId),
});

const spanEvent = message({
  timeUnixNano: field(1, unixNano),
  name: field(2, text),
  attributes: attributes(3),
  droppedAttributesCount: droppedAttributesCount(4),
});

const spanLink = message({
  traceId: field(1, traceId),
  spanId: field(2, spanId),
  traceState: field(3, text),
  attributes: attributes(4),
  droppedAttributesCount: droppedAttributesCount(5),
  flags: field(6, fixed32),
});

export const span = message({
  traceId: field(1, traceId),
  spanId: field(2, spanId),
  traceState: field(3, text),
  parentSpanId: field(4, spanId),
  flags: field(16, fixed32),
  name: field(5, text),
  kind: field(6, enumName("SPAN_KIND_", ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"])),
  startTimeUnixNano: field(7, unixNano),
  endTimeUnixNano: field(8, unixNano),
  attributes: attributes(9),
  droppedAttributesCount: droppedAttributesCount(10),
  events: repeated(11, spanEvent),
  droppedEventsCount: field(12, uint32),
  links: repeated(13, spanLink),
  droppedLinksCount: field(14, uint32),
  status: field(
    15,
    message({ message: field(2, text), code: field(3, enumName("STATUS_CODE_", ["UNSET", "OK", "ERROR"])) }),
  ),
});

export const metric = message({
  name: field(1, text),
  description: field(2, text),
  unit: field(3, text),
  metadata: attributes(12),
});

/** Of `Sum`, `Histogram` and `ExponentialHistogram`. */
const aggregationTemporality = field(2, enumName("AGGREGATION_TEMPORALITY_", ["UNSPECIFIED", "DELTA", "CUMULATIVE"]));

const exemplars = (no: number) =>
  repeated(
    no,
    message({
      filteredAttributes: attributes(7),
      timeUnixNano: field(2, unixNano),
      asDouble: optional(3, double),
      asInt: optional(6, sfixed64),
      spanId: field(4, spanId),
      traceId: field(5, traceId),
    }),
  );

const numberDataPoint = message({
  attributes: attributes(7),
  startTimeUnixNano: field(2, unixNano),
  timeUnixNano: field(3, unixNano),
  asDouble: optional(4, double),
  asInt: optional(6, sfixed64),
  exemplars: exemplars(5),
  flags: field(8, uint32),
});

const histogramDataPoint = message({
  attributes: attributes(9),
  startTimeUnixNano: field(2, unixNano),
  timeUnixNano: field(3, unixNano),
  count: field(4, fixed64),
  sum: optional(5, double),
  min: optional(11, double),
  max: optional(12, double),
  bucketCounts: repeated(6, fixed64),
  explicitBounds: repeated(7, double),
  exemplars: exemplars(8),
  flags: field(10, uint32),
});

const buckets = message({ offset: field(1, sint32), bucketCounts: repeated(2, uint64) });

const exponentialHistogramDataPoint = message({
  attributes: attributes(1),
  startTimeUnixNano: field(2, unixNano),
  timeUnixNano: field(3, unixNano),
  count: field(4, fixed64),
  sum: optional(5, double),
  min: optional(12, double),
  max: optional(13, double),
  scale: field(6, sint32),
  zeroCount: field(7, fixed64),
  zeroThreshold: field(14, double),
  positive: field(8, buckets),
  negative: field(9, buckets),
  exemplars: exemplars(11),
  flags: field(10, uint32),
});

const summaryDataPoint = message({
  attributes: attributes(7),
  startTimeUnixNano: field(2, unixNano),
  timeUnixNano: field(3, unixNano),
  count: field(4, fixed64),
  sum: field(5, double),
  quantileValues: repeated(6, message({ quantile: field(1, double), value: field(2, double) })),
  flags: field(8, uint32),
});

/** What a `Metric` can hold: the field that holds it, what is said of all its points, and a point. */
export const metricTypes = [
  { no: 5, name: "gauge", header: message({}), point: numberDataPoint },
  {
    no: 7,
    name: "sum",
    header: message({ aggregationTemporality, isMonotonic: field(3, bool) }),
    point: numberDataPoint,
  },
  { no: 9, name: "histogram", header: message({ aggregationTemporality }), point: histogramDataPoint },
  {
    no: 10,
    name: "exponentialHistogram",
    header: message({ aggregationTemporality }),
    point: exponentialHistogramDataPoint,
  },
  { no: 11, name: "summary", header: message({}), point: summaryDataPoint },
] as const;
