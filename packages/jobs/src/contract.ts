import type { z } from "zod";

/** How often a failed job is tried and how long it waits in between: `min(maxMs, baseMs * 2^n)` with full jitter. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Everything that the two sides of a job must agree on. */
export interface JobContract<Queue extends string = string, Payload extends z.ZodType = z.ZodType> {
  /** The wire name. It survives renames of the code, since yesterday's jobs are still in Redis. */
  readonly name: string;
  readonly queue: Queue;
  /** Payloads only ever gain optional fields. */
  readonly payload: Payload;
  readonly retry: RetryPolicy;
  /** A cron pattern in UTC with the payload of each run. */
  readonly schedule?: { readonly pattern: string; readonly payload: z.input<Payload> };
}

export function defineJob<Queue extends string, Payload extends z.ZodType>(
  contract: JobContract<Queue, Payload>,
): JobContract<Queue, Payload> {
  return contract;
}
