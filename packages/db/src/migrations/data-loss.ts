import type { SqlStatement } from "./split-statements.ts";

const losing: readonly RegExp[] = [
  /\bdrop\s+(table|column|schema|owned|database|type|domain)\b/i,
  /\b(truncate|delete\s+from)\b/i,
  // ALTER TABLE … DROP name: COLUMN may be left out.
  /^alter\s+table\b[\s\S]*\bdrop\s+(?!constraint\b|default\b|not\b|expression\b|identity\b)/i,
  /\bdrop\b[\s\S]*\bcascade\b/i,
];

/**
 * True when a statement may delete rows or columns. It looks into strings too, where DO blocks keep
 * what they run; being wrong in that direction costs a flag, in the other direction data.
 */
export function losesData({ code }: SqlStatement): boolean {
  return losing.some((pattern) => pattern.test(code));
}
