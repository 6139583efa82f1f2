import { channel } from "node:diagnostics_channel";

/** What is published on `millrace:request` after each answer. */
export interface RequestEvent {
  readonly method: string;
  /** As it was declared. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Its answer is a stream, which lasts as long as the client likes. */
  readonly isStream: boolean;
}

export const requestEvents = channel("millrace:request");
