import { z } from "zod";
import { integer } from "../config.ts";

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

const httpUrl = z.string().regex(/^https?:\/\/[^\s/]/, "write a URL such as http://collector:4318");

/** `a=1,b=%20`, as OpenTelemetry's variables have lists of names and values; percent-encoded. */
const pairs = z.string().transform((text, context) => {
  const found: Record<string, string> = {};
  for (const part of text.split(",").filter((one) => one.trim() !== "")) {
    const at = part.indexOf("=");
    const value = decoded(part.slice(at + 1).trim());
    if (at < 1 || value === undefined) context.addIssue("write name=value,name=value, percent-encoded");
    else found[part.slice(0, at).trim()] = value;
  }
  return found;
});

/** OpenTelemetry's own variables, as far as they concern traces. Off unless an exporter or an endpoint is set. */
export const tracingVariables = {
  OTEL_SDK_DISABLED: z.string().optional().describe("true: no traces, whatever else is set"),
  OTEL_TRACES_EXPORTER: z
    .enum(["otlp", "console", "none"], "write otlp, console or none")
    .optional()
    .describe("otlp, console or none; otlp once there is an endpoint, or else none"),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional().describe("where traces go, without /v1/traces"),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional().describe("the same in full, which comes first"),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .literal("http/protobuf", "only http/protobuf is spoken, on port 4318 of a collector")
    .optional()
    .describe("http/protobuf"),
  OTEL_EXPORTER_OTLP_HEADERS: pairs.optional().describe("sent along, such as authorization=Bearer%20KEY"),
  OTEL_EXPORTER_OTLP_TIMEOUT: integer({ min: 100, max: 60_000 })
    .default(3_000)
    .describe("after so many ms spans are given up, also when the process ends"),
  OTEL_SERVICE_NAME: z
    .string()
    .optional()
    .describe("what the process is called in traces; millrace-api, millrace-worker"),
  OTEL_RESOURCE_ATTRIBUTES: pairs
    .optional()
    .describe("what else is said of it, such as deployment.environment.name=test"),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers, `write one of ${samplers.join(", ")}`)
    .default("parentbased_always_on")
    .describe(`which traces are recorded: ${samplers.join(", ")}`),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?)$/, "write a share between 0 and 1")
    .transform(Number)
    .default(1)
    .describe("the share that is, for traceidratio"),
  OTEL_PROPAGATORS: z
    .string()
    .default("tracecontext,baggage")
    .describe("whether the sender's traceparent is followed: with tracecontext among them"),
};

export interface TracingOptions {
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly sampler: { readonly kind: (typeof samplers)[number]; readonly ratio: number };
  readonly exporter:
    | { readonly kind: "console" }
    | {
        readonly kind: "otlp";
        readonly url: string;
        readonly headers: Readonly<Record<string, string>>;
        readonly timeoutMs: number;
      };
  /** Whether the place in a trace that a request names is believed. */
  readonly isPropagated: boolean;
}

type ReadTracingVariables = z.output<z.ZodObject<typeof tracingVariables>>;

/** How traces are to be made, or `undefined` where they are not. */
export function tracingOf(read: ReadTracingVariables, serviceName: string): TracingOptions | undefined {
  const base = read.OTEL_EXPORTER_OTLP_ENDPOINT;
  const endpoint = read.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/+$/, "")}/v1/traces`);
  const kind = read.OTEL_TRACES_EXPORTER ?? (endpoint === undefined ? "none" : "otlp");
  if (read.OTEL_SDK_DISABLED?.toLowerCase() === "true" || kind === "none") return undefined;
  const { "service.name": named, ...resourceAttributes } = read.OTEL_RESOURCE_ATTRIBUTES ?? {};
  return {
    serviceName: read.OTEL_SERVICE_NAME ?? named ?? serviceName,
    resourceAttributes,
    sampler: { kind: read.OTEL_TRACES_SAMPLER, ratio: read.OTEL_TRACES_SAMPLER_ARG },
    exporter:
      kind === "console"
        ? { kind }
        : {
            kind,
            url: endpoint ?? "http://localhost:4318/v1/traces",
            headers: read.OTEL_EXPORTER_OTLP_HEADERS ?? {},
            timeoutMs: read.OTEL_EXPORTER_OTLP_TIMEOUT,
          },
    isPropagated: read.OTEL_PROPAGATORS.split(",").some((name) => name.trim() === "tracecontext"),
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
