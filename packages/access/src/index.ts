export { AccessError, type AccessErrorCode } from "./access-error.ts";
export { type Authenticator, type AuthenticatorOptions, createAuthenticator, type Principal } from "./authenticator.ts";
export { createKey, type KeyInfo, listKeys, type NewKey, revokeKey } from "./keys.ts";
export { isScope, type Scope, scopes } from "./scope.ts";
