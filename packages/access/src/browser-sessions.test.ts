import { type Db, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { createAuthenticator, type SessionAuthenticator } from "./authenticator.ts";
import { hashOf, newKey } from "./key.ts";
import { createKey, revokeKey } from "./keys.ts";
import { newToken, tokenIn } from "./session-token.ts";

const allColumns = statement<[], { stored: string }>(
  "test.read_sessions",
  "select to_jsonb(s)::text as stored from browser_sessions s",
);
const endAll = statement<[], never>("test.end_sessions", "update browser_sessions set expires_at = now()");
const expireKeys = statement<[], never>("test.expire_keys", "update api_keys set expires_at = now()");

const cookieOf = (token: string) => `theme=dark; millrace_session=${token}`;
const secondsMs = 1_000;

async function signIn({ sessions }: SessionAuthenticator, key: string) {
  const session = await sessions.begin(key);
  if (session === undefined) throw new Error("the key is not valid");
  return { ...session, cookie: cookieOf(session.token) };
}

/** Two processes with one database and a clock. */
function createProcesses(db: Db, developmentKey?: string) {
  let nowMs = 0;
  const now = () => nowMs;
  return {
    one: createAuthenticator({ db, now, developmentKey }),
    other: createAuthenticator({ db, now, developmentKey }),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test("a session stands for its key in every process, and only a hash of its token is stored", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { id, key } = await createKey(db, { name: "ann", scopes: ["read"] });
  const { one, other } = createProcesses(db);
  const { token, cookie, expiresAt } = await signIn(one, key);
  const ann = { keyId: id, name: "ann", scopes: new Set(["read"]) };
  expect(await one.authenticate(undefined, cookie)).toEqual(ann);
  expect(await other.authenticate(undefined, cookie)).toEqual(ann);
  expect(other.authenticate(undefined, cookie)).toEqual(ann); // known by now: no promise
  expect(expiresAt.getTime() - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
  expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(12 * 3_600_000);
  const [row] = await db.rows(allColumns, []);
  expect(row?.stored).toContain(hashOf(token));
  expect(row?.stored).not.toContain(token.slice(4));
});

test("what is no valid key begins no session, and what is no token is nobody's", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const expired = await createKey(db, { name: "old", scopes: ["admin"], expiresAt: new Date(Date.now() - 1) });
  const { one } = createProcesses(db, "a-development-key");
  for (const key of ["", "a-development-keY", newKey(), expired.key, hashOf(expired.key)]) {
    expect(await one.sessions.begin(key)).toBeUndefined();
  }
  for (const cookie of ["", cookieOf(""), cookieOf(newToken()), cookieOf(newKey()), `other=${newToken()}`]) {
    expect(await one.authenticate(undefined, cookie)).toBeUndefined();
  }
  expect(await db.rows(allColumns, [])).toEqual([]);
});

test("an Authorization header wins over the cookie, valid or not", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { key } = await createKey(db, { name: "ann", scopes: ["admin"] });
  const reader = await createKey(db, { name: "bob", scopes: ["read"] });
  const { one } = createProcesses(db);
  const { cookie } = await signIn(one, key);
  expect(await one.authenticate(`Bearer ${reader.key}`, cookie)).toMatchObject({ name: "bob" });
  expect(await one.authenticate(`Bearer ${newKey()}`, cookie)).toBeUndefined();
  expect(await one.authenticate("", cookie)).toBeUndefined();
});

test("a session that is ended is over here at once, and elsewhere after ten seconds", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { key } = await createKey(db, { name: "ann", scopes: ["read"] });
  const { one, other, pass } = createProcesses(db);
  const { cookie } = await signIn(one, key);
  const kept = await signIn(one, key);
  for (const process of [one, other]) expect(await process.authenticate(undefined, cookie)).toBeDefined();
  await one.sessions.end(cookie);
  expect(await one.authenticate(undefined, cookie)).toBeUndefined();
  expect(await one.sessions.find(cookie)).toBeUndefined();
  pass(10 * secondsMs);
  expect(await other.authenticate(undefined, cookie)).toBeUndefined();
  await one.sessions.end(cookie); // which changes nothing
  expect(await other.authenticate(undefined, kept.cookie)).toMatchObject({ name: "ann" });
});

test("a session ends with its key, revoked or expired", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const lost = await createKey(db, { name: "lost", scopes: ["admin"] });
  const soon = new Date(Date.now() + 3_600_000);
  const { key } = await createKey(db, { name: "short", scopes: ["read"], expiresAt: soon });
  const { one, pass } = createProcesses(db);
  const revoked = await signIn(one, lost.key);
  const expiring = await signIn(one, key);
  expect(expiring.expiresAt).toEqual(soon);
  await revokeKey(db, lost.id);
  pass(10 * secondsMs);
  expect(await one.authenticate(undefined, revoked.cookie)).toBeUndefined();
  expect(await one.authenticate(undefined, expiring.cookie)).toMatchObject({ name: "short" });
  await db.run(expireKeys, []);
  pass(10 * secondsMs);
  expect(await one.authenticate(undefined, expiring.cookie)).toBeUndefined();
});

test("a session whose time is over is nobody's", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { key } = await createKey(db, { name: "ann", scopes: ["read"] });
  const { one, other } = createProcesses(db);
  const { cookie } = await signIn(one, key);
  await db.run(endAll, []);
  expect(await other.authenticate(undefined, cookie)).toBeUndefined();
});

test("the development key begins sessions too, which work only where it is set", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const { one, other } = createProcesses(db, "a-development-key");
  const { cookie } = await signIn(one, "a-development-key");
  expect(await other.authenticate(undefined, cookie)).toMatchObject({ name: "development" });
  expect(await createAuthenticator({ db }).authenticate(undefined, cookie)).toBeUndefined();
  expect(await createAuthenticator({ db, developmentKey: "another-key" }).authenticate(undefined, cookie)).toBe(
    undefined,
  );
});

test.each([
  ["millrace_session=TOKEN", true],
  ["a=1; millrace_session=TOKEN; b=2", true],
  ["a=1;millrace_session=TOKEN;b=2", true],
  ["other_millrace_session=TOKEN", false],
  ["a=millrace_session=TOKEN", false],
  ["millrace_session=TOKENx", false],
  ["millrace_session= TOKEN", false],
])("of the cookies %s the token is found: %s", (cookies, isFound) => {
  const token = newToken();
  expect(tokenIn(cookies.replace("TOKEN", token))).toBe(isFound ? token : undefined);
});
