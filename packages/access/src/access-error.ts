export type AccessErrorCode = "KEY_UNKNOWN" | "KEY_AMBIGUOUS";

/** A key that was named cannot be told from the others; the message says what to name instead. */
export class AccessError extends Error {
  readonly code: AccessErrorCode;

  constructor(code: AccessErrorCode, message: string) {
    super(message);
    this.name = "AccessError";
    this.code = code;
  }
}
