import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const resource = resourceFromAttributes({ "service.namespace": "shop", "service.name": "cart äß" });

/** What an instrumented service has recorded, as its SDK hands it to an exporter. */
export async function recordTelemetry() {
  return { spans: await recordSpans(), logs: await recordLogs(), metrics: await recordMetrics() };
}

async function recordSpans() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer("checkout", "1.2.3");
  const span = tracer.startSpan("GET /cart", {
    kind: SpanKind.SERVER,
    attributes: { "http.response.status_code": 500 },
  });
  span.setAttributes({
    "user.roles": ["a", "b"],
    ratio: 0.25,
    cached: false,
    nul: "a\0b",
    big: Number.MAX_SAFE_INTEGER,
  });
  span.addEvent("retry", { attempt: 1 });
  span.recordException(new Error("out of stock"));
  span.setStatus({ code: SpanStatusCode.ERROR, message: "out of stock" });
  tracer.startSpan("SELECT", { links: [{ context: span.spanContext(), attributes: { why: "batch" } }] }).end();
  span.end();
  await provider.forceFlush();
  return exporter.getFinishedSpans();
}

async function recordLogs() {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("cart.logger");
  const timestamp = [1_790_000_000, 123_456_789] as [number, number];
  const line = { timestamp, observedTimestamp: timestamp, severityNumber: 17, severityText: "ERROR", body: "no stock" };
  logger.emit({ ...line, attributes: { sku: "x-1", count: 3 } });
  logger.emit({
    ...line,
    body: { nested: { list: [1, "two", null, { deep: true }] }, bytes: new Uint8Array([1, 2, 255]) },
  });
  logger.emit({ ...line, eventName: "cart.emptied" });
  // The very same line twice, as a loop may write it.
  logger.emit({ ...line, body: "again" });
  logger.emit({ ...line, body: "again" });
  await provider.forceFlush();
  return exporter.getFinishedLogRecords();
}

async function recordMetrics() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const provider = new MeterProvider({
    resource,
    readers: [reader],
    views: [{ instrumentName: "latency.exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter("cart.meter");
  meter.createCounter("orders", { unit: "1", description: "Orders" }).add(3, { country: "DE" });
  meter.createGauge("temperature").record(-1.5);
  meter.createHistogram("latency", { unit: "ms" }).record(12.5, { route: "/cart" });
  const exponential = meter.createHistogram("latency.exponential");
  for (const value of [0, 1, 1_000]) exponential.record(value);
  await provider.forceFlush();
  const [metrics] = exporter.getMetrics();
  if (metrics === undefined) throw new Error("The reader collected no metrics");
  await provider.shutdown();
  return metrics;
}
