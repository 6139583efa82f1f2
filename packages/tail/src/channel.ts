/** Which events a channel carries: those with these attributes. An absent one may be anything. */
export interface TailFilter {
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
}

/** The names of an installation's channels. */
export interface Channels {
  /** A glob that matches all of them, and nothing else. */
  readonly pattern: string;
  nameOf(filter: TailFilter): string;
  /** The filter in a channel's name, or `undefined` if the name is not one that `nameOf` makes. */
  filterOf(name: string): TailFilter | undefined;
}

/**
 * A filter is the name of its channel: who listens thereby says what is wanted, and Redis tells the
 * workers. Redis has one space of channels for all its databases, so the database is part of the name.
 */
export function channelsOf({ prefix, database }: { prefix: string; database: number }): Channels {
  const stem = `${prefix}:tail:${database}:`;
  return {
    pattern: `${stem}*`,
    nameOf: ({ source, type, subject }) => stem + JSON.stringify([source ?? null, type ?? null, subject ?? null]),
    filterOf: (name) => (name.startsWith(stem) ? filterIn(name.slice(stem.length)) : undefined),
  };
}

function filterIn(text: string): TailFilter | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 3) return undefined;
  if (!parts.every((part) => part === null || typeof part === "string")) return undefined;
  const [source, type, subject] = parts.map((part: string | null) => part ?? undefined);
  return { source, type, subject };
}
