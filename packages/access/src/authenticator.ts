import { timingSafeEqual } from "node:crypto";
import { createMemoryCache } from "@millrace/cache";
import type { Db } from "@millrace/db";
import { type BrowserSessions, createBrowserSessions } from "./browser-sessions.ts";
import { hashOf, isKey } from "./key.ts";
import { type Principal, principalOf } from "./principal.ts";
import { scopes } from "./scope.ts";
import { createKeyFinder, noteUse } from "./stored-keys.ts";

export interface AuthenticatorOptions {
  readonly db: Db;
  /** A well-known key with all scopes, for development on loopback. */
  readonly developmentKey?: string | undefined;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

export interface Authenticator {
  /**
   * Gives the principal of a request's `Authorization` header or, where there is none, of the browser session
   * that its `Cookie` header names; `undefined` when neither is valid. That is at once when the key was seen
   * lately, which is nearly always, and a promise when the database has to be asked. Rejects only when the
   * database cannot be asked about a key not known here; known ones go on working for a quarter of an hour
   * without it.
   */
  authenticate(
    authorizationHeader: string | undefined,
    cookieHeader?: string,
  ): Principal | undefined | Promise<Principal | undefined>;
}

export interface SessionAuthenticator extends Authenticator {
  /** For whom a key is entered in a browser. */
  readonly sessions: BrowserSessions;
}

interface KnownKey {
  readonly principal: Principal;
  readonly expiresAtMs: number;
  usedAtMs: number;
}

/** What a header says, whether or not there is such a key. */
interface Credential {
  readonly hash: string;
  readonly isDevelopmentKey: boolean;
}

const minuteMs = 60_000;

/** How long processes rely on what they know of keys and of sessions. */
const memory = {
  // How long a revoked key may go on working.
  ttlMs: 10_000,
  // Early enough that a database that is slow or away is noticed before anybody has to wait for it.
  refreshAfterMs: 5_000,
  negativeTtlMs: 5_000,
  staleIfErrorMs: 15 * minuteMs,
  maxEntries: 10_000,
};
const maxHeaders = 1_000;
const maxHeaderLength = 256;

export function createAuthenticator({ db, developmentKey, now }: AuthenticatorOptions): SessionAuthenticator {
  const find = createKeyFinder(db);
  const isDevelopmentKey = developmentKey === undefined ? () => false : sameKeyAs(developmentKey);
  const developmentHash = developmentKey === undefined ? undefined : hashOf(developmentKey);
  const memoryOptions = { ...memory, ...(now && { now }) };
  const known = createMemoryCache<KnownKey>(memoryOptions);

  // A request comes for its hundredth time more often than for its first, and taking the key out of its header and
  // hashing it costs as much as the rest.
  const byHeader = new Map<string, Credential>();
  function credentialIn(header: string): Credential | undefined {
    const key = bearer.exec(header)?.[1];
    if (key === undefined) return undefined;
    const credential = { hash: hashOf(key), isDevelopmentKey: isDevelopmentKey(key) };
    if (!credential.isDevelopmentKey && !isKey(key)) return undefined;
    if (byHeader.size >= maxHeaders) byHeader.clear();
    if (header.length <= maxHeaderLength) byHeader.set(header, credential);
    return credential;
  }

  async function load(hash: string): Promise<KnownKey | undefined> {
    const key = await find(hash);
    return (
      key && {
        principal: principalOf(key),
        expiresAtMs: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
        usedAtMs: key.lastUsedAt?.getTime() ?? Number.NEGATIVE_INFINITY,
      }
    );
  }

  function admit(key: KnownKey | undefined): Principal | undefined {
    if (key === undefined) return undefined;
    const nowMs = Date.now();
    if (nowMs >= key.expiresAtMs) return undefined;
    if (nowMs - key.usedAtMs >= minuteMs) {
      key.usedAtMs = nowMs;
      // The time of last use is for people to read: no request fails for it, and it is written again in a minute.
      noteUse(db, key.principal.keyId).catch(() => {});
    }
    return key.principal;
  }

  // Looking keys up by their hash gives nothing away by its timing: who does not have the key cannot choose its hash.
  function byHash(hash: string): Principal | undefined | Promise<Principal | undefined> {
    const found = known.peek(hash);
    return found !== undefined ? admit(found.value) : known.get(hash, load).then(admit);
  }

  const sessions = createBrowserSessions({
    db,
    principalOf: (keyHash) => (keyHash === developmentHash ? developmentPrincipal : byHash(keyHash)),
    memory: memoryOptions,
  });

  return {
    authenticate(authorizationHeader, cookieHeader) {
      if (authorizationHeader === undefined) {
        return cookieHeader === undefined ? undefined : sessions.principalOf(cookieHeader);
      }
      const credential = byHeader.get(authorizationHeader) ?? credentialIn(authorizationHeader);
      if (credential === undefined) return undefined;
      return credential.isDevelopmentKey ? developmentPrincipal : byHash(credential.hash);
    },
    sessions,
  };
}

const developmentPrincipal: Principal = { keyId: "development", name: "development", scopes: new Set(scopes) };

const bearer = /^bearer +(\S+)$/i;

/** Compares in constant time, by hashes, because those have one length whatever was sent. */
function sameKeyAs(expected: string): (key: string) => boolean {
  const expectedHash = Buffer.from(hashOf(expected));
  return (key) => timingSafeEqual(Buffer.from(hashOf(key)), expectedHash);
}
