/** A server could not be obtained or started. The message says what is missing and what to do about it. */
export class ServerError extends Error {
  readonly code = "SERVER_UNAVAILABLE";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServerError";
  }
}
