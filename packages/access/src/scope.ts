/** What a key may be allowed to do. */
export const scopes = ["ingest", "write", "read", "admin"] as const;

export type Scope = (typeof scopes)[number];

export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** Everything that the granted scopes allow: `admin` includes the others. */
export function allowedBy(granted: readonly string[]): ReadonlySet<Scope> {
  return new Set(granted.includes("admin") ? scopes : granted.filter(isScope));
}
