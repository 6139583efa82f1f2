/** A key of one of the declared forms, such as `of/{address}/{list}`, in which `*` stands for any part. */
export interface Matcher {
  /** For Redis' MATCH. */
  readonly glob: string;
  readonly isMatch: (key: string) => boolean;
}

/** Reads `pattern`, which has as many parts between slashes as one of the forms, each the form's own, a value or `*`. */
export function matcherOf(pattern: string, forms: readonly string[]): Matcher | undefined {
  const parts = pattern.split("/");
  if (pattern !== "*" && !forms.some((form) => isOfForm(parts, form.split("/")))) return undefined;
  return globMatcher(parts.map((part) => (part === "*" ? "*" : part.replace(/[*?[\]\\]/g, "\\$&"))).join("/"));
}

function isOfForm(parts: readonly string[], form: readonly string[]): boolean {
  return (
    parts.length === form.length && parts.every((part, at) => /^\{\w+\}$/.test(form[at] ?? "") || part === form[at])
  );
}

/** What `matcherOf` made, from its glob alone: `*` for any text, a backslash before what stands for itself. */
export function globMatcher(glob: string): Matcher {
  const source = glob.replace(/\\(.)|(\*)|[.+?^${}()|[\]]/g, (found, escaped?: string, star?: string) => {
    if (star !== undefined) return ".*";
    return `\\${escaped ?? found}`;
  });
  const expression = new RegExp(`^${source}$`, "s");
  return { glob, isMatch: (key) => expression.test(key) };
}
