import { type Logger, pino } from "pino";
import { errorFields } from "./error-fields.ts";
import { currentOrigin } from "./origin.ts";
import { censored, censorOf } from "./secrets.ts";

export type { Logger };

const secretFields = [
  "authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
  "password",
  "secret",
  "token",
  "key",
  "url",
  "nonce",
  "signature",
  "body",
];

export interface LoggerOptions {
  readonly name: string;
  readonly level: string;
  /** Texts that are struck out wherever they turn up (see `secretsIn`). */
  readonly secrets?: readonly string[];
}

/**
 * One JSON object a line on standard output, with what is known of the request or the jobs on whose behalf it is
 * written. Of errors it has what is not anybody's data. Secrets are struck out: fields that carry them, those that the
 * process was given, and what looks like credentials.
 */
export function createLogger({ name, level, secrets = [] }: LoggerOptions): Logger {
  return pino({
    name,
    level,
    // A logger of the request's own has its id already, wherever it is called from.
    mixin: (_line, _level, logger) => ("requestId" in logger.bindings() ? {} : { ...currentOrigin()?.fields }),
    redact: {
      paths: secretFields.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.headers["${field}"]`]),
      censor: censored,
    },
    serializers: { error: errorFields, err: errorFields },
    hooks: { streamWrite: censorOf(secrets) },
  });
}
