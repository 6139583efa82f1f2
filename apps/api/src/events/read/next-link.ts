/** The address of a list's next page: its path with the parameters that are in use. */
export function nextOf(path: string, params: Readonly<Record<string, string | undefined>>): string {
  const inUse = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) inUse.append(name, value);
  }
  return `${path}?${inUse}`;
}
