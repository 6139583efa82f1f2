import { TraceFlags, trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { TracingOptions } from "./tracing-config.ts";

export function samplerOf({ kind, ratio }: TracingOptions["sampler"]): Sampler {
  const own = kind.endsWith("always_on")
    ? new AlwaysOnSampler()
    : kind.endsWith("always_off")
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(ratio);
  return withLinked(kind.startsWith("parentbased_") ? new ParentBasedSampler({ root: own }) : own);
}

/** What a recorded request waits for is recorded too, also where it begins a trace of its own. */
function withLinked(sampler: Sampler): Sampler {
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      const isLinked =
        trace.getSpanContext(context) === undefined &&
        links.some((link) => (link.context.traceFlags & TraceFlags.SAMPLED) !== 0);
      return isLinked
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : sampler.shouldSample(context, traceId, name, kind, attributes, links);
    },
    toString: () => `${sampler.toString()} and what is linked to it`,
  };
}
