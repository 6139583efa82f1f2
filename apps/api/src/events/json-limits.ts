/** True if arrays and objects in `value` are nested more than `maxDepth` deep. */
export function isTooDeep(value: unknown, maxDepth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (maxDepth === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isTooDeep(item, maxDepth - 1));
  const object = value as Readonly<Record<string, unknown>>; // an object that is no array has string keys
  for (const key in object) {
    if (isTooDeep(object[key], maxDepth - 1)) return true;
  }
  return false;
}

/** True if some string or key in `value` has a NUL character or a lone surrogate. */
export function unstorableCharacterIn(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\u0000") || !value.isWellFormed();
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, item]) => unstorableCharacterIn(key) || unstorableCharacterIn(item));
}
