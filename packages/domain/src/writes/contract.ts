import type { Statement } from "@millrace/db";
import { z } from "zod";
import type { CachedKey } from "../cache-keys.ts";

/**
 * What became of a write. `done`: the row is as it says, also when an observation came after a newer one.
 * The others changed nothing, and trying again would not help.
 */
export const outcomes = [
  "done",
  "not_found",
  "version_conflict",
  "wrong_state",
  "exists",
  "blocked",
  "refused",
] as const;
export type Outcome = (typeof outcomes)[number];

/** A row as `to_jsonb` gives it: times are text, and so is whatever would lose digits as a number. */
export type JsonRow = Readonly<Record<string, unknown>>;

/** What a batch statement tells of each write in it; `n` is the write's place in the batch. */
export interface WriteResult {
  readonly n: number;
  readonly outcome: Outcome;
  readonly row: JsonRow | null;
  /** A row of another table that changed with it. */
  readonly related: JsonRow | null;
}

/** A kind of write, with everything that the API, the worker and the cache must agree on. */
export interface WriteContract<Payload extends z.ZodType = z.ZodType> {
  /** Payloads only ever gain optional fields, since those of yesterday are still in Redis. */
  readonly payload: Payload;
  /** Writes of one entity are applied in the order in which they were accepted. */
  readonly entityOf: (payload: z.output<Payload>) => string;
  /**
   * Applies many, of which no two have the same entity. The batch is a JSON array of payloads, each with its place
   * `n` and, where a client named the version that it had read, `expected`.
   */
  readonly apply: Statement<[batch: string], WriteResult>;
  /** What is cached of the rows that changed. */
  readonly keysOf: (row: JsonRow, related: JsonRow | null) => readonly CachedKey[];
}

export function defineWrite<Payload extends z.ZodType>(contract: WriteContract<Payload>): WriteContract<Payload> {
  return contract;
}

/** An address in the one form in which the database has it. */
export const address = z.string().regex(/^0x[0-9a-f]{40}$/);
export const time = z.iso.datetime({ offset: true });
export const id = z.guid().toLowerCase();

export function textIn(row: JsonRow, column: string): string {
  return String(row[column]);
}
