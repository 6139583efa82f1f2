import { type Db, statement } from "@millrace/db";
import { AccessError } from "./access-error.ts";
import { hashOf, isKey, newKey, prefixOf } from "./key.ts";
import type { Scope } from "./scope.ts";

/** What is known of a key. The key itself is kept nowhere. */
export interface KeyInfo {
  readonly id: string;
  readonly name: string;
  /** The key's first characters. */
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  /** `null` for the limits of all keys. */
  readonly eventsPerSecond: number | null;
  readonly eventsPerDay: number | null;
}

const info = `id, name, prefix, scopes, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt", revoked_at as "revokedAt",
  events_per_second::float8 as "eventsPerSecond", events_per_day::float8 as "eventsPerDay"`;

const insertKey = statement<
  [
    name: string,
    hash: Buffer,
    prefix: string,
    scopes: readonly Scope[],
    expiresAt: Date | null,
    eventsPerSecond: number | null,
    eventsPerDay: number | null,
  ],
  { id: string }
>(
  "api_keys.insert",
  `insert into api_keys (name, key_hash, prefix, scopes, expires_at, events_per_second, events_per_day)
    values ($1, $2, $3, $4, $5, $6, $7)
    returning id`,
);

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: Date | undefined;
  /** Events it may send, where the limits of all keys will not do. Positive whole numbers. */
  readonly eventsPerSecond?: number | undefined;
  readonly eventsPerDay?: number | undefined;
}

/** Makes a key and gives it once: only its hash is stored, so it cannot be shown again. */
export async function createKey(
  db: Db,
  { name, scopes, expiresAt, eventsPerSecond, eventsPerDay }: NewKey,
): Promise<{ id: string; key: string; prefix: string }> {
  const key = newKey();
  const prefix = prefixOf(key);
  const hash = Buffer.from(hashOf(key), "hex");
  const [row] = await db.rows(insertKey, [
    name,
    hash,
    prefix,
    [...new Set(scopes)],
    expiresAt ?? null,
    eventsPerSecond ?? null,
    eventsPerDay ?? null,
  ]);
  if (row === undefined) throw new Error("PostgreSQL stored the key but did not return its id");
  return { id: row.id, key, prefix };
}

const listAll = statement<[], KeyInfo>("api_keys.list", `select ${info} from api_keys order by created_at, id`);

/** All keys, oldest first, with those that expired or were revoked. */
export async function listKeys(db: Db): Promise<KeyInfo[]> {
  return await db.rows(listAll, []);
}

const findByIdOrPrefix = statement<[idOrPrefix: string], { id: string; name: string }>(
  "api_keys.find_by_id_or_prefix",
  `select id, name from api_keys where id::text = lower($1) or prefix = $1 order by created_at`,
);

const revoke = statement<[id: string], KeyInfo>(
  "api_keys.revoke",
  `update api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1
    returning ${info}`,
);

/**
 * Ends a key for good, named by its id, its prefix or, since that may be all that someone has who
 * found it, the key itself. Every process refuses it ten seconds later at the latest, as long as it
 * reaches the database. Revoking again changes nothing. Throws an `AccessError` when no key, or more
 * than one, has that name.
 */
export async function revokeKey(db: Db, idOrPrefix: string): Promise<KeyInfo> {
  const text = isKey(idOrPrefix) ? prefixOf(idOrPrefix) : idOrPrefix;
  const [found, ...others] = await db.rows(findByIdOrPrefix, [text]);
  if (others.length > 0) {
    throw new AccessError("KEY_AMBIGUOUS", `Several keys begin with ${text}; name one by its id`);
  }
  const [revoked] = found === undefined ? [] : await db.rows(revoke, [found.id]);
  if (revoked === undefined) {
    throw new AccessError("KEY_UNKNOWN", `No key has the id or prefix ${text}; list the keys to see both`);
  }
  return revoked;
}
