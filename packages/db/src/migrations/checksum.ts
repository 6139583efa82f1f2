import { createHash } from "node:crypto";

/** Names the hash and the canonical form it is taken over; a new form gets a new tag. */
const algorithm = "sha256-v1";

/** The text as it is run: without byte order mark, lines ending in LF. */
export function withPlainLines(text: string): string {
  return text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
}

/**
 * What editors and version control change without meaning to (byte order mark, line endings,
 * trailing blanks, blank lines at the end) is not part of the text that is hashed.
 */
export function canonicalText(text: string): string {
  return withPlainLines(text)
    .replace(/[ \t\f\v]+$/gm, "")
    .replace(/\n+$/, "");
}

/** The tagged checksum of a migration file or of one of its statements. */
export function checksumOf(text: string): string {
  return `${algorithm}:${createHash("sha256").update(canonicalText(text)).digest("hex")}`;
}
