import { type Logger, pino } from "pino";

export type { Logger };

/**
 * One JSON object a line on standard output. Fields that carry secrets are struck out wherever they
 * are logged; connection strings are the caller's to keep out.
 */
export function createLogger({ name, level }: { name: string; level: string }): Logger {
  return pino({
    name,
    level,
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
