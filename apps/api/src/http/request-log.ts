import type { Logger } from "@millrace/runtime";
import type { FastifyBaseLogger } from "fastify";

const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
const others = ["silent", "child"] as const;

class LazyLog {
  readonly parent: Logger;
  readonly #make: () => FastifyBaseLogger;
  #made: FastifyBaseLogger | undefined;

  constructor(parent: Logger, make: () => FastifyBaseLogger) {
    this.parent = parent;
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

for (const method of [...levels, ...others]) {
  const isLevel = levels.some((level) => level === method);
  Object.defineProperty(LazyLog.prototype, method, {
    value(this: LazyLog, ...args: unknown[]) {
      // The child is as talkative as its parent.
      if (isLevel && !this.parent.isLevelEnabled(method)) return undefined;
      return Reflect.apply(this.log[method], this.log, args);
    },
  });
}

/**
 * A child logger that is made when something is first written to it: most requests write nothing, and making one
 * costs more than a cached read.
 */
export function lazyChild(parent: Logger, make: () => FastifyBaseLogger): FastifyBaseLogger {
  return new LazyLog(parent, make) as unknown as FastifyBaseLogger; // its methods are those above
}
