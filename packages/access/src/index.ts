export { AccessError, type AccessErrorCode } from "./access-error.ts";
export {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type SessionAuthenticator,
} from "./authenticator.ts";
export type { BrowserSession, BrowserSessions } from "./browser-sessions.ts";
export { createKey, type KeyInfo, listKeys, type NewKey, revokeKey } from "./keys.ts";
export type { Principal } from "./principal.ts";
export { isScope, type Scope, scopes } from "./scope.ts";
export { sessionCookie } from "./session-token.ts";
