import process from "node:process";
import { ConfigError } from "./config.ts";
import type { Logger } from "./logger.ts";

/** A server that is needed does not let us in. The message says which and why, without the password. */
export class UnreachableError extends Error {
  constructor(server: "PostgreSQL" | "Redis", url: string, cause: unknown) {
    super(`${server} at ${placeOf(url)} does not let us in: ${reasonOf(cause)}`, { cause });
    this.name = "UnreachableError";
  }
}

/** Hosts and path: some connection strings name several hosts, which `URL` does not understand. */
function placeOf(url: string): string {
  return url.replace(/^[\w+]+:\/\/(?:.*@)?/, "").replace(/\?.*$/, "");
}

/** Node's error for a name with several addresses has no message of its own. */
function reasonOf(cause: unknown): string {
  const [first] = cause instanceof AggregateError ? cause.errors : [cause];
  const reason = first instanceof Error ? first.message : String(first);
  return reason.replace(/\.$/, "");
}

/** Ends the process at a failure that nobody handles, with one line in the log: 2 for what is configured wrong, else 1. */
export function endOnFailure(log: Logger): void {
  const end = (error: unknown): void => {
    if (error instanceof ConfigError) log.fatal(error.message);
    else if (error instanceof UnreachableError) log.fatal(`${error.message}. Is it running, and is its URL right?`);
    else if (isPortTaken(error))
      log.fatal(`${error.address}:${error.port} is in use by another process. Choose another.`);
    else log.fatal({ err: error }, "a failure that nobody handled");
    process.exit(error instanceof ConfigError ? 2 : 1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

/** What listening on an address rejects with when another process has it. */
function isPortTaken(error: unknown): error is Error & { readonly address: string; readonly port: number } {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE" && "port" in error;
}
