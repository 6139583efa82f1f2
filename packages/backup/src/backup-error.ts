/** A backup cannot be made, is damaged or cannot be restored; the message says what is wrong with what. */
export class BackupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BackupError";
  }
}
