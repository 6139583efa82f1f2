import type { KeyInfo } from "@millrace/access";

const headings = ["prefix", "name", "scopes", "state", "created", "last used", "id"];

/** The keys as lines of a table. */
export function keyTable(keys: readonly KeyInfo[], nowMs: number): string[] {
  const rows = [headings, ...keys.map((key) => cellsOf(key, nowMs))];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function cellsOf(key: KeyInfo, nowMs: number): string[] {
  return [
    key.prefix,
    key.name,
    key.scopes.join(","),
    stateOf(key, nowMs),
    minuteOf(key.createdAt),
    key.lastUsedAt === null ? "never" : minuteOf(key.lastUsedAt),
    key.id,
  ];
}

function stateOf({ revokedAt, expiresAt }: KeyInfo, nowMs: number): string {
  if (revokedAt !== null) return `revoked ${minuteOf(revokedAt)}`;
  if (expiresAt === null) return "valid";
  return `${expiresAt.getTime() > nowMs ? "valid until" : "expired"} ${minuteOf(expiresAt)}`;
}

function minuteOf(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")}Z`;
}
