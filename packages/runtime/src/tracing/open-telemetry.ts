import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import process from "node:process";
import {
  type Context,
  createTraceState,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, ConsoleSpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";
import { traceParentIn, traceParentText } from "../trace-parent.ts";
import { tellingExporter } from "./exporter.ts";
import { samplerOf } from "./sampler.ts";
import type { Attributes, Span, SpanOptions, TraceContext, Tracing } from "./tracing.ts";
import type { TracingOptions } from "./tracing-config.ts";

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Disposing sends what is left, for as long as the exporter's time-out at most. */
export function createTracing(options: TracingOptions, log: Logger): Tracing {
  const provider = new TracerProvider({
    resource: resourceOf(options),
    sampler: samplerOf(options.sampler),
    spanProcessors: [new BatchSpanProcessor({ exporter: tellingExporter(exporterOf(options), log) })],
  });
  const tracer = provider.getTracer("millrace");
  const current = new AsyncLocalStorage<Span | undefined>();
  return {
    current,
    start({ name, kind, attributes, parent, links = [], sinceMs = 0 }) {
      const span = tracer.startSpan(
        name,
        {
          kind: kinds[kind],
          attributes: knownOf(attributes),
          links: links.flatMap((link) => spanContextOf(link) ?? []).map((context) => ({ context })),
          startTime: now() - sinceMs,
        },
        parentOf(parent, current.getStore()),
      );
      return spanOver(span);
    },
    [Symbol.asyncDispose]: () => provider.shutdown().catch(() => {}), // the exporter has told why
  };
}

let startedAt = performance.timeOrigin;

/** In ms since 1970, with fractions, so that what follows closely comes in its order; it follows a clock that is set. */
function now(): number {
  const wall = Date.now();
  if (Math.abs(startedAt + performance.now() - wall) > 100) startedAt = wall - performance.now();
  return startedAt + performance.now();
}

function resourceOf({ serviceName, resourceAttributes }: TracingOptions) {
  return defaultResource().merge(
    resourceFromAttributes({
      "host.name": hostname(),
      "process.pid": process.pid,
      "process.runtime.name": "nodejs",
      "process.runtime.version": process.versions.node,
      "service.instance.id": randomUUID(),
      ...resourceAttributes,
      "service.name": serviceName,
    }),
  );
}

function exporterOf({ exporter }: TracingOptions) {
  if (exporter.kind === "console") return new ConsoleSpanExporter();
  const { url, headers, timeoutMs } = exporter;
  return new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs });
}

function parentOf(parent: SpanOptions["parent"], underWay: Span | undefined): Context {
  if (parent === "none") return ROOT_CONTEXT;
  if (parent !== undefined) {
    const context = spanContextOf(parent);
    return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
  }
  return underWay === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, otelSpanOf(underWay));
}

function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  const parent = traceParentIn(traceparent);
  if (parent === undefined) return undefined;
  const { traceId, spanId, isSampled } = parent;
  return {
    traceId,
    spanId,
    isRemote: true,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}

class OpenTelemetrySpan implements Span {
  readonly otel: OtelSpan;
  readonly context: TraceContext | undefined;
  readonly traceId: string;

  constructor(otel: OtelSpan) {
    const { traceId, spanId, traceState } = otel.spanContext();
    this.otel = otel;
    this.traceId = traceId;
    const tracestate = traceState?.serialize();
    this.context = otel.isRecording()
      ? { traceparent: traceParentText({ traceId, spanId, isSampled: true }), ...(tracestate && { tracestate }) }
      : undefined;
  }

  set(attributes: Attributes): void {
    this.otel.setAttributes(knownOf(attributes));
  }

  fail(error: unknown, attributes: Attributes = {}): void {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    this.otel.setStatus({ code: SpanStatusCode.ERROR, message });
    this.set({ "error.type": name, ...attributes });
  }

  end(): void {
    this.otel.end(now());
  }
}

function spanOver(otel: OtelSpan): Span {
  return new OpenTelemetrySpan(otel);
}

/** All spans of this process were made here. */
function otelSpanOf(span: Span): OtelSpan {
  if (!(span instanceof OpenTelemetrySpan)) throw new Error("A span that is not of this process");
  return span.otel;
}

function knownOf(attributes: Attributes): Record<string, string | number | boolean | string[]> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "object" ? [...value] : value]],
    ),
  );
}
