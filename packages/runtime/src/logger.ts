import { type Logger, pino } from "pino";
import { currentOrigin } from "./origin.ts";

export type { Logger };

/**
 * One JSON object a line on standard output, with what is known of the request or the jobs on whose behalf it is
 * written. Fields that carry secrets are struck out wherever they are logged; connection strings are the caller's to
 * keep out.
 */
export function createLogger({ name, level }: { name: string; level: string }): Logger {
  return pino({
    name,
    level,
    // A logger of the request's own has its id already, wherever it is called from.
    mixin: (_line, _level, logger) => ("requestId" in logger.bindings() ? {} : { ...currentOrigin()?.fields }),
    redact: {
      paths: [
        "authorization",
        "*.authorization",
        "headers.authorization",
        "req.headers.authorization",
        "headers.cookie",
        "req.headers.cookie",
        "password",
        "*.password",
        "key",
        "url",
        "*.key",
      ],
      censor: "[redacted]",
    },
    serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
  });
}
