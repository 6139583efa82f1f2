export interface FuzzCase {
  readonly number: number;
  readonly kind: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Events that are stored if this is accepted; only of bodies that were left as they are. */
  readonly ids: readonly string[];
}
