import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";

/** Tells once that spans cannot be sent, and once that they can again. Work goes on without them. */
export function tellingExporter(exporter: SpanExporter, log: Logger): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const hasFailed = result.error !== undefined || result.code !== 0;
        if (hasFailed && !isFailing) {
          // Its other fields hold what a server answered.
          log.warn({ reason: result.error?.message }, "traces cannot be sent and are thrown away");
        }
        if (!hasFailed && isFailing) log.info("traces can be sent again");
        isFailing = hasFailed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}
