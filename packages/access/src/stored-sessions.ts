import { type Db, statement } from "@millrace/db";
import { createHashFinder } from "./hash-finder.ts";

interface StoredSession {
  readonly hash: string;
  readonly keyHash: string;
  readonly expiresAt: Date;
}

const insert = statement<[tokenHash: Buffer, keyHash: Buffer, lifetimeMs: number], { expiresAt: Date }>(
  "browser_sessions.insert",
  `insert into browser_sessions (token_hash, key_hash, expires_at)
    values ($1, $2, least(now() + $3::float8 * interval '1 ms',
                          (select expires_at from api_keys where key_hash = $2)))
    returning expires_at as "expiresAt"`,
);

/** Stores a session that ends when its lifetime is over or its key expires. Gives its end. */
export async function insertSession(
  db: Db,
  { tokenHash, keyHash, lifetimeMs }: { tokenHash: string; keyHash: string; lifetimeMs: number },
): Promise<Date> {
  const [row] = await db.rows(insert, [Buffer.from(tokenHash, "hex"), Buffer.from(keyHash, "hex"), lifetimeMs]);
  if (row === undefined) throw new Error("PostgreSQL stored the session but did not return its end");
  return row.expiresAt;
}

const findByHash = statement<[hashes: readonly Buffer[]], StoredSession>(
  "browser_sessions.find_by_hash",
  `select encode(token_hash, 'hex') as hash, encode(key_hash, 'hex') as "keyHash", expires_at as "expiresAt"
    from browser_sessions
    where token_hash = any($1) and expires_at > now()`,
);

/** Gives a function that finds a session that is not over by the hash of its token. */
export function createSessionFinder(db: Db): (hash: string) => Promise<StoredSession | undefined> {
  return createHashFinder((hashes) => db.rows(findByHash, [hashes]));
}

const remove = statement<[tokenHash: Buffer], never>(
  "browser_sessions.delete",
  "delete from browser_sessions where token_hash = $1",
);

export async function deleteSession(db: Db, tokenHash: string): Promise<void> {
  await db.run(remove, [Buffer.from(tokenHash, "hex")]);
}
