/** A call between two addresses, as its table holds it. */
export interface SessionRow {
  readonly id: string;
  readonly a_addr: string;
  readonly b_addr: string;
  readonly state: SessionState;
  readonly is_reported: boolean;
  readonly end_reason: string | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly expires_at: Date;
  readonly updated_at: Date;
  /** A bigint, as text. */
  readonly version: string;
  /** The two addresses in order, whoever called. */
  readonly low_addr: string;
  readonly high_addr: string;
  readonly duration_seconds: number | null;
}

export type SessionState = "created" | "active" | "ended";
