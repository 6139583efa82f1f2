export type MigrationErrorCode =
  // The folder of migrations is not in order.
  | "BAD_FILE_NAME"
  | "BAD_MARKER"
  | "DUPLICATE_VERSION"
  | "GAP"
  | "MISSING_DOWN"
  | "MISSING_UP"
  | "TRANSACTION_CONTROL"
  | "UNNAMED_INDEX"
  | "UNTERMINATED"
  // The folder and the database tell different stories.
  | "EDITED"
  | "HALF_APPLIED"
  | "HALF_REVERTED"
  | "MISSING_FILE"
  | "OUT_OF_ORDER"
  // The wish cannot be granted as it was put.
  | "BAD_NAME"
  | "DATA_LOSS"
  | "IRREVERSIBLE"
  | "UNKNOWN_VERSION"
  // Something went wrong on the way.
  | "CATALOGUE_DIFFERS"
  | "CONNECTION_LOST"
  | "INDEX_EXISTS"
  | "LOCK_TIMEOUT"
  | "POOLED_CONNECTION"
  | "RUNNER_BUSY"
  | "STATEMENT_FAILED";

const passing: readonly MigrationErrorCode[] = ["CONNECTION_LOST", "LOCK_TIMEOUT", "RUNNER_BUSY"];

/** Why migrations did not run, and in its message what to do about it. */
export class MigrationError extends Error {
  readonly code: MigrationErrorCode;

  constructor(code: MigrationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MigrationError";
    this.code = code;
  }

  /** True when the same command may succeed later with nothing changed. */
  get isPassing(): boolean {
    return passing.includes(this.code);
  }
}
