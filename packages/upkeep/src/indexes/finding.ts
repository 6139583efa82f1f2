export type FindingKind =
  | "invalid"
  | "duplicate"
  | "redundant"
  | "unused"
  | "unhelpful"
  | "bloated"
  | "missing_foreign_key"
  | "missing_by_scans"
  | "missing_by_workload";

/** Something to be done about an index, with what speaks for it. */
export interface IndexFinding {
  /** The same for the same problem each time. */
  readonly id: string;
  readonly kind: FindingKind;
  /** As SQL writes it. */
  readonly table: string;
  readonly index: string | null;
  /** What is gained, or for a missing index what it may cost. */
  readonly bytes: number | null;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly confidence: "certain" | "likely" | "possible";
  /** To run in this order, each by itself and outside of a transaction; none when there is only something to look into. */
  readonly statements: readonly string[];
  /** What brings back what was; none when that was of no use. */
  readonly undo: readonly string[];
}
