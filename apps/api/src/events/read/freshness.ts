import { isLsn, type ReadDb, type Reads, type ReadTolerance } from "@millrace/db";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";

/** What a request reads from: how old that may be is a matter of its headers. */
export type ReadsOf = (request: FastifyRequest) => ReadDb;

export interface FreshnessNeeds {
  readonly read: (tolerance: ReadTolerance) => Reads;
  /** How old what is read may be for who says nothing. */
  readonly maxLagMs: number;
}

/** Headers by which a client says how old what it reads may be. Others are let through as they are. */
export const freshnessHeaders = z.looseObject({
  "millrace-after": z
    .string()
    .refine(isLsn, "must be what Millrace-Position said in an earlier reply, such as 0/1A2B3C8")
    .optional()
    .describe(
      "Nothing older than what an earlier reply with this Millrace-Position showed, whichever standby is read from. " +
        "0/0 begins: the reply has a Millrace-Position",
    ),
  "cache-control": z
    .string()
    .optional()
    .describe(
      "no-cache: all that is committed; max-age=N: all that was N seconds ago, where less is asked for by default",
    ),
});

/**
 * Reads of a request from a server that is fresh enough for it. Who sends a position is told the next one, so that what
 * was once seen, and committed before, is in all that is read later: its own writes too, once it has seen them.
 */
export function createFreshReads(app: FastifyInstance, { read, maxLagMs }: FreshnessNeeds): ReadsOf {
  const readsOf = new WeakMap<FastifyRequest, Reads>();
  app.addHook("onSend", async (request, reply) => {
    const reads = readsOf.get(request);
    if (reads === undefined || request.headers["millrace-after"] === undefined || reply.statusCode >= 500) return;
    reply.header("millrace-position", await reads.position());
  });
  return (request) => {
    const after = request.headers["millrace-after"];
    const lagMs = Math.min(maxLagMs, lagAllowedBy(request.headers["cache-control"]));
    const reads = read({ maxLagMs: lagMs, ...(typeof after === "string" && { after }) });
    readsOf.set(request, reads);
    return reads;
  };
}

/** RFC 9111, 5.2.1: `no-cache` and `max-age` of a request; other directives say nothing about what is read. */
function lagAllowedBy(cacheControl: string | undefined): number {
  const directives = (cacheControl ?? "")
    .toLowerCase()
    .split(",")
    .map((directive) => directive.trim());
  if (directives.includes("no-cache")) return 0;
  const [, seconds] = directives.map((one) => /^max-age=(\d{1,9})$/.exec(one)).find((match) => match !== null) ?? [];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
}
