import { type Db, type QueryEvent, queryEvents, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { createAuthenticator } from "./authenticator.ts";
import { hashOf, isKey, newKey } from "./key.ts";
import { createKey, listKeys, revokeKey } from "./keys.ts";

const allColumns = statement<[], { stored: string }>(
  "test.read_keys",
  "select to_jsonb(k)::text as stored from api_keys k",
);

const insertTwin = statement<[prefix: string, hash: Buffer]>(
  "test.insert_key",
  "insert into api_keys (name, prefix, key_hash, scopes) values ('twin', $1, $2, '{read}')",
);

/** Resolves when the statement has run the next time, on any connection of this process. */
function nextRunOf(name: string): Promise<void> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if ((message as QueryEvent).name !== name) return; // the channel carries nothing else
      queryEvents.unsubscribe(listen);
      resolve();
    };
    queryEvents.subscribe(listen);
  });
}

const bearer = (key: string) => `Bearer ${key}`;

test("a created key authenticates with its scopes and is stored as a hash only", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { id, key, prefix } = await createKey(db, { name: "collector", scopes: ["ingest", "ingest"] });
  expect(isKey(key) && key.startsWith(prefix)).toBe(true);
  const [row] = await db.rows(allColumns, []);
  expect(row?.stored).toContain(hashOf(key));
  expect(row?.stored).not.toContain(key.slice(prefix.length));
  const { authenticate } = createAuthenticator({ db });
  expect(await authenticate(bearer(key))).toEqual({ keyId: id, name: "collector", scopes: new Set(["ingest"]) });
  expect(await authenticate(bearer(newKey()))).toBeUndefined();
});

test("keys are listed oldest first with all that is known of them", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const expiresAt = new Date("2100-01-01T00:00:00Z");
  const first = await createKey(db, { name: "first", scopes: ["read", "ingest"], expiresAt });
  await createKey(db, { name: "second", scopes: ["admin"] });
  const keys = await listKeys(db);
  expect(keys.map(({ name }) => name)).toEqual(["first", "second"]);
  expect(keys[0]).toEqual({
    id: first.id,
    name: "first",
    prefix: first.prefix,
    scopes: ["read", "ingest"],
    createdAt: expect.any(Date),
    expiresAt,
    lastUsedAt: null,
    revokedAt: null,
    eventsPerSecond: null,
    eventsPerDay: null,
  });
});

test.each(["id", "prefix", "key"] as const)(
  "a key is revoked by its %s, in other processes after ten seconds",
  async (by) => {
    await using database = await createTestDatabase();
    const { db } = database;
    const created = await createKey(db, { name: "lost", scopes: ["read"] });
    const kept = await createKey(db, { name: "kept", scopes: ["read"] });
    let nowMs = 0;
    const { authenticate } = createAuthenticator({ db, now: () => nowMs });
    await authenticate(bearer(created.key));
    const revoked = await revokeKey(db, created[by]);
    expect(revoked).toMatchObject({ id: created.id, revokedAt: expect.any(Date) });
    nowMs = 10_000;
    expect(await authenticate(bearer(created.key))).toBeUndefined();
    expect(await authenticate(bearer(kept.key))).toMatchObject({ name: "kept" });
  },
);

test("a key may have limits of its own, and whoever uses it is known by them", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { key } = await createKey(db, { name: "small", scopes: ["ingest"], eventsPerSecond: 10, eventsPerDay: 1_000 });
  expect(await listKeys(db)).toMatchObject([{ eventsPerSecond: 10, eventsPerDay: 1_000 }]);
  const { authenticate } = createAuthenticator({ db });
  expect(await authenticate(bearer(key))).toMatchObject({ eventsPerSecond: 10, eventsPerDay: 1_000 });
});

test("revoking again changes nothing", async () => {
  await using database = await createTestDatabase();
  const { id } = await createKey(database.db, { name: "lost", scopes: ["read"] });
  const first = await revokeKey(database.db, id);
  expect(await revokeKey(database.db, id)).toEqual(first);
});

test("revoking says when no key, or more than one, is meant", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { key, prefix } = await createKey(db, { name: "one", scopes: ["read"] });
  await expect(revokeKey(db, "mlr_unknown1")).rejects.toMatchObject({ code: "KEY_UNKNOWN" });
  await db.run(insertTwin, [prefix, Buffer.alloc(32)]);
  await expect(revokeKey(db, prefix)).rejects.toMatchObject({ code: "KEY_AMBIGUOUS" });
  await expect(revokeKey(db, key)).rejects.not.toThrow(key);
  expect((await listKeys(db)).every(({ revokedAt }) => revokedAt === null)).toBe(true);
});

test("a key past its expiry is refused", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { key } = await createKey(db, { name: "old", scopes: ["read"], expiresAt: new Date(Date.now() - 1) });
  expect(await createAuthenticator({ db }).authenticate(bearer(key))).toBeUndefined();
});

test("the time of last use is noted by the first use, and not again within the minute", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { key } = await createKey(db, { name: "used", scopes: ["read"] });
  const use = async (db: Db): Promise<Date | null | undefined> => {
    const noted = nextRunOf("api_keys.note_use");
    await createAuthenticator({ db }).authenticate(bearer(key));
    await noted;
    return (await listKeys(db))[0]?.lastUsedAt;
  };
  const first = await use(db);
  expect(first).toBeInstanceOf(Date);
  await createAuthenticator({ db }).authenticate(bearer(key));
  expect((await listKeys(db))[0]?.lastUsedAt).toEqual(first);
});
