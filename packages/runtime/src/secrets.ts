/** What stands where a secret was. */
export const censored = "[redacted]";

/** Shorter ones would be found in words that have nothing to do with them. */
const minLength = 6;

const secretNames = /(SECRET|KEY|HEADERS|PASSWORD|TOKEN)$/;

/**
 * What of these variables nobody is to see: passwords in connection strings, webhooks (whoever knows one can send to it),
 * and whatever its variable's name calls a secret.
 */
export function secretsIn(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): string[] {
  const found = names.flatMap((name) => {
    const value = env[name] ?? "";
    if (name.endsWith("WEBHOOKS")) return value.split(",").flatMap((url) => [url, pathOf(url), ...passwordsIn(url)]);
    if (secretNames.test(name)) return [value, ...value.split(",").map((pair) => pair.slice(pair.indexOf("=") + 1))];
    return passwordsIn(value);
  });
  const all = found.flatMap((secret) => [secret, decoded(secret), ...withoutScheme(decoded(secret))]);
  return [...new Set(all)].filter((secret) => secret.length >= minLength);
}

function passwordsIn(text: string): string[] {
  const found = text.matchAll(/:\/\/[^\s/?#]*?:([^\s/]*)@|[?&]password=([^&\s]+)/g);
  return [...found].map(([, before = "", behind = before]) => behind);
}

/** The part of a webhook that makes it one's own. */
function pathOf(url: string): string {
  return url.replace(/^\w*\+?https?:\/\/[^/]*/, "");
}

function withoutScheme(text: string): string[] {
  return /^(?:Bearer|Basic) /i.test(text) ? [text.slice(text.indexOf(" ") + 1)] : [];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const credentials = [
  // In a connection string or any other URL; up to the last @ before the path, since a password may have one.
  { form: /(:\/\/)[^\s/?#"'<>]+@/g, kept: `$1${censored}@` },
  { form: /([?&]password=)[^&\s"]+/g, kept: `$1${censored}` },
  { form: /\b(Bearer|Basic|Negotiate) +[\w.~+/=-]{4,}/gi, kept: `$1 ${censored}` },
  // Keys of ours.
  { form: /\bmlr_[\w-]{20,}/g, kept: censored },
];

/** Strikes out the secrets, and whatever looks like credentials, in lines of JSON, which stay that. */
export function censorOf(secrets: readonly string[]): (text: string) => string {
  const spellings = secrets.flatMap((secret) => [JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  // What contains another one comes first.
  const known = [...new Set(spellings)].sort((a, b) => b.length - a.length);
  return (text) => {
    let censoredText = text;
    for (const secret of known) censoredText = censoredText.replaceAll(secret, censored);
    for (const { form, kept } of credentials) censoredText = censoredText.replace(form, kept);
    return censoredText;
  };
}
