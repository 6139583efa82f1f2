import { channel } from "node:diagnostics_channel";

/** What is published on `millrace:job` after each run of a handler, whether it succeeded or not. */
export interface JobEvent {
  readonly name: string;
  readonly queue: string;
  /** From the moment the job was added to the moment a worker took it. */
  readonly waitMs: number;
  readonly runMs: number;
  readonly error?: unknown;
}

export const jobEvents = channel("millrace:job");
