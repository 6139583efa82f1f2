import type { FastifyBaseLogger } from "fastify";

/**
 * A child logger that is made when something is first written to it: most requests write nothing, and making one
 * costs more than a cached read.
 */
export class RequestLog implements FastifyBaseLogger {
  readonly #make: () => FastifyBaseLogger;
  #made: FastifyBaseLogger | undefined;

  constructor(make: () => FastifyBaseLogger) {
    this.#make = make;
  }

  get #log(): FastifyBaseLogger {
    this.#made ??= this.#make();
    return this.#made;
  }

  get level(): string {
    return this.#log.level;
  }
  set level(level: string) {
    this.#log.level = level;
  }
  get trace(): FastifyBaseLogger["trace"] {
    return this.#log.trace.bind(this.#log);
  }
  get debug(): FastifyBaseLogger["debug"] {
    return this.#log.debug.bind(this.#log);
  }
  get info(): FastifyBaseLogger["info"] {
    return this.#log.info.bind(this.#log);
  }
  get warn(): FastifyBaseLogger["warn"] {
    return this.#log.warn.bind(this.#log);
  }
  get error(): FastifyBaseLogger["error"] {
    return this.#log.error.bind(this.#log);
  }
  get fatal(): FastifyBaseLogger["fatal"] {
    return this.#log.fatal.bind(this.#log);
  }
  get silent(): FastifyBaseLogger["silent"] {
    return this.#log.silent.bind(this.#log);
  }
  get child(): FastifyBaseLogger["child"] {
    return this.#log.child.bind(this.#log);
  }
}
