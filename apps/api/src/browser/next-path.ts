/** Where who signed in goes if it is not said, or not to be trusted. */
export const defaultPath = "/console";

const maxLength = 2_048;
const somewhere = "http://same.invalid";

/**
 * The path within this site that `next` means, or `defaultPath` for what is none: whatever is asked for, a browser
 * that is sent to the result stays here.
 */
export function nextPathOf(next: unknown): string {
  if (typeof next !== "string" || next.length > maxLength || !/^\/[!-[\]-~]*$/.test(next)) return defaultPath;
  const url = URL.parse(next, somewhere);
  if (url === null || url.origin !== somewhere) return defaultPath;
  const path = `${url.pathname}${url.search}${url.hash}`;
  // `/.//elsewhere` is a path of this site that becomes `//elsewhere`, which is not.
  return path.startsWith("//") ? defaultPath : path;
}

/** The address of the sign-in that leads on to `path` afterwards. */
export function signInPath(path: string): string {
  return `/sign-in?next=${encodeURIComponent(path)}`;
}
