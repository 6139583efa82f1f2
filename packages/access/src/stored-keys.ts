import { type Db, statement } from "@millrace/db";
import { createHashFinder } from "./hash-finder.ts";

/** A key that is valid, as the database has it. */
export interface StoredKey {
  readonly hash: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly eventsPerSecond: number | null;
  readonly eventsPerDay: number | null;
}

const findByHash = statement<[hashes: readonly Buffer[]], StoredKey>(
  "api_keys.find_by_hash",
  `select encode(key_hash, 'hex') as hash, id, name, scopes, expires_at as "expiresAt", last_used_at as "lastUsedAt",
          events_per_second::float8 as "eventsPerSecond", events_per_day::float8 as "eventsPerDay"
    from api_keys
    where key_hash = any($1) and revoked_at is null and (expires_at is null or expires_at > now())`,
);

/** Gives a function that finds a valid key by its hash. */
export function createKeyFinder(db: Db): (hash: string) => Promise<StoredKey | undefined> {
  return createHashFinder((hashes) => db.rows(findByHash, [hashes]));
}

const noteUseOfKey = statement<[id: string]>(
  "api_keys.note_use",
  `update api_keys set last_used_at = now()
    where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
);

/** Notes that the key is in use, unless this or another process did so within the last minute. */
export async function noteUse(db: Db, id: string): Promise<void> {
  await db.run(noteUseOfKey, [id]);
}
