import type { FastifyBaseLogger } from "fastify";

const methods = ["trace", "debug", "info", "warn", "error", "fatal", "silent", "child"] as const;

class LazyLog {
  readonly #make: () => FastifyBaseLogger;
  #made: FastifyBaseLogger | undefined;

  constructor(make: () => FastifyBaseLogger) {
    this.#make = make;
  }

  get log(): FastifyBaseLogger {
    this.#made ??= this.#make();
    return this.#made;
  }

  get level(): string {
    return this.log.level;
  }

  set level(level: string) {
    this.log.level = level;
  }
}

for (const method of methods) {
  Object.defineProperty(LazyLog.prototype, method, {
    value(this: LazyLog, ...args: unknown[]) {
      return Reflect.apply(this.log[method], this.log, args);
    },
  });
}

/**
 * A child logger that is made when something is first written to it: most requests write nothing, and making one
 * costs more than a cached read.
 */
export function lazyChild(make: () => FastifyBaseLogger): FastifyBaseLogger {
  return new LazyLog(make) as unknown as FastifyBaseLogger; // its methods are those above
}
