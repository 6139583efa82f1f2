import { hash, randomBytes } from "node:crypto";

const keyForm = /^mlr_[A-Za-z0-9_-]{43}$/;
const prefixLength = "mlr_".length + 8;

/** A new key: `mlr_` and 32 random bytes, which nobody can guess or search for. */
export function newKey(): string {
  return `mlr_${randomBytes(32).toString("base64url")}`;
}

export function isKey(text: string): boolean {
  return keyForm.test(text);
}

/** The first characters of a key: enough to tell keys apart, far too few to find one. */
export function prefixOf(key: string): string {
  return key.slice(0, prefixLength);
}

/**
 * SHA-256 of a key in hexadecimal. A key is as random as its hash, so a slow hash or a salt would make
 * every request slower and no key safer.
 */
export function hashOf(key: string): string {
  return hash("sha256", key);
}
