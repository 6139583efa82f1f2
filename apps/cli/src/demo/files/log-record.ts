import type { Micros } from "./timestamps.ts";

export interface LogRecord {
  /** Where it is in the file, counted from 1. */
  readonly line: number;
  readonly text: string;
  readonly micros?: Micros;
  readonly data: Readonly<Record<string, unknown>>;
  /** True for a line that goes on with the record before, as those of a stack trace do. */
  readonly isContinuation: boolean;
}
