/** How many seconds a client would wait, from `Prefer: wait=N` (RFC 7240, 4.3); `undefined` when it would not. */
export function waitIn(header: string | string[] | undefined): number | undefined {
  const preferences = [header ?? []].flat().join(",").split(/[,;]/);
  for (const preference of preferences) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*$/i.exec(preference)?.[1];
    if (seconds !== undefined) return Number(seconds);
  }
  return undefined;
}
