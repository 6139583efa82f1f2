import { randomBytes } from "node:crypto";

/** The cookie of a browser session; it holds the session's token. */
export const sessionCookie = "millrace_session";

/** A new token: `mls_` and 32 random bytes. Like a key it is kept nowhere but as its hash. */
export function newToken(): string {
  return `mls_${randomBytes(32).toString("base64url")}`;
}

const tokenInCookies = new RegExp(`(?:^|;) *${sessionCookie}=(mls_[A-Za-z0-9_-]{43}) *(?:;|$)`);

/** The token in a `Cookie` header, if there is one. */
export function tokenIn(cookieHeader: string): string | undefined {
  return tokenInCookies.exec(cookieHeader)?.[1];
}
