import type { Logger } from "../logger.ts";
import type { Tracing } from "./tracing.ts";
import type { TracingOptions } from "./tracing-config.ts";

/** Begins to make traces. OpenTelemetry's packages are loaded only here, so that whoever makes none does without them. */
export async function startTracing(options: TracingOptions, log: Logger): Promise<Tracing> {
  const { createTracing } = await import("./open-telemetry.ts");
  return createTracing(options, log);
}
