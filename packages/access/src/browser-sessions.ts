import { createMemoryCache, type MemoryCacheOptions } from "@millrace/cache";
import type { Db } from "@millrace/db";
import { hashOf } from "./key.ts";
import type { Principal } from "./principal.ts";
import { newToken, tokenIn } from "./session-token.ts";
import { createSessionFinder, deleteSession, insertSession } from "./stored-sessions.ts";

/** A key that was entered in a browser, which from then on shows a token instead. */
export interface BrowserSession {
  readonly principal: Principal;
  /** Its end, unless the key's own end, the key's revocation or signing out comes first. */
  readonly expiresAt: Date;
}

/** All cookies here are whole `Cookie` headers. */
export interface BrowserSessions {
  /** Begins a session for a valid key, whose token is given only here; gives `undefined` for any other text. */
  begin(key: string): Promise<(BrowserSession & { readonly token: string }) | undefined>;
  /** Who the session's key belongs to, in the way of `Authenticator.authenticate`. */
  principalOf(cookieHeader: string): Principal | undefined | Promise<Principal | undefined>;
  find(cookieHeader: string): Promise<BrowserSession | undefined>;
  /**
   * Makes the token worthless: here at once, in other processes ten seconds later at the latest, as long as they
   * reach the database. Ending what is no session changes nothing. Rejects when the database cannot be told.
   */
  end(cookieHeader: string): Promise<void>;
}

export interface BrowserSessionsNeeds {
  readonly db: Db;
  /** The principal of the valid key with that hash: it decides whether a session may go on. */
  readonly principalOf: (keyHash: string) => Principal | undefined | Promise<Principal | undefined>;
  readonly memory: MemoryCacheOptions;
}

interface KnownSession {
  readonly keyHash: string;
  readonly expiresAt: Date;
}

/** A working day and a little: an operator signs in once a day. */
const lifetimeMs = 12 * 3_600_000;

export function createBrowserSessions({ db, principalOf, memory }: BrowserSessionsNeeds): BrowserSessions {
  const load = createSessionFinder(db);
  const known = createMemoryCache<KnownSession>(memory);

  const keyHashOf = (session: KnownSession | undefined): string | undefined =>
    session === undefined || Date.now() >= session.expiresAt.getTime() ? undefined : session.keyHash;
  const admit = (session: KnownSession | undefined): Principal | undefined | Promise<Principal | undefined> => {
    const keyHash = keyHashOf(session);
    return keyHash === undefined ? undefined : principalOf(keyHash);
  };

  return {
    async begin(key) {
      const keyHash = hashOf(key);
      const principal = await principalOf(keyHash);
      if (principal === undefined) return undefined;
      const token = newToken();
      const expiresAt = await insertSession(db, { tokenHash: hashOf(token), keyHash, lifetimeMs });
      return { token, principal, expiresAt };
    },

    principalOf(cookieHeader) {
      const token = tokenIn(cookieHeader);
      if (token === undefined) return undefined;
      const tokenHash = hashOf(token);
      const found = known.peek(tokenHash);
      return found !== undefined ? admit(found.value) : known.get(tokenHash, load).then(admit);
    },

    async find(cookieHeader) {
      const token = tokenIn(cookieHeader);
      const session = token === undefined ? undefined : await known.get(hashOf(token), load);
      const principal = await admit(session);
      return session && principal && { principal, expiresAt: session.expiresAt };
    },

    async end(cookieHeader) {
      const token = tokenIn(cookieHeader);
      if (token === undefined) return;
      const tokenHash = hashOf(token);
      try {
        await deleteSession(db, tokenHash);
      } finally {
        // After the row: a load that read it before must not remember it.
        known.delete(tokenHash);
      }
    },
  };
}
