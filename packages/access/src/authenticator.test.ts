import { setImmediate as turn } from "node:timers/promises";
import type { Db } from "@millrace/db";
import { afterEach, expect, test, vi } from "vitest";
import { createAuthenticator } from "./authenticator.ts";
import { hashOf, newKey } from "./key.ts";
import type { StoredKey } from "./stored-keys.ts";

afterEach(() => vi.useRealTimers());

const seconds = 1_000;
const minutes = 60 * seconds;

/** A table of keys in memory that counts its queries and can be away. */
function createWorld({ developmentKey }: { developmentKey?: string } = {}) {
  const stored = new Map<string, StoredKey>();
  const queries: { name: string; params: readonly unknown[] }[] = [];
  let nowMs = 0;
  const unused = () => {
    throw new Error("the authenticator has no use for this");
  };
  const ask = async (name: string, params: readonly unknown[]) => {
    queries.push({ name, params });
    await turn();
    if (world.isAway) throw new Error("connect ECONNREFUSED");
  };
  const db: Db = {
    async rows<Params extends readonly unknown[], Row>({ name }: { name: string }, params: Params) {
      await ask(name, params);
      const hashes = params[0] as Buffer[]; // the only query is the one by hashes
      const found = hashes.flatMap((hash) => stored.get(hash.toString("hex")) ?? []);
      return found as Row[]; // its rows are stored keys
    },
    async run({ name }, params) {
      await ask(name, params);
      return 1;
    },
    batches: unused,
    copyIn: unused,
    transaction: unused,
  };
  const { authenticate } = createAuthenticator({ db, developmentKey, now: () => nowMs });
  const world = {
    isAway: false,
    queries,
    lookups: () => queries.filter(({ name }) => name === "api_keys.find_by_hash").length,
    usesNoted: () => queries.filter(({ name }) => name === "api_keys.note_use").length,
    pass: (ms: number) => {
      nowMs += ms;
    },
    addKey(details: Partial<StoredKey> = {}): string {
      const key = newKey();
      const hash = hashOf(key);
      const dates = { expiresAt: null, lastUsedAt: null };
      const limits = { eventsPerSecond: null, eventsPerDay: null };
      stored.set(hash, { hash, id: "1", name: "one", scopes: ["read"], ...dates, ...limits, ...details });
      return key;
    },
    revoke: (key: string) => stored.delete(hashOf(key)),
    authenticate: (key: string) => authenticate(`Bearer ${key}`),
    authenticateHeader: authenticate,
  };
  return world;
}

test("a key seen before is known at once, without a promise or a query", async () => {
  const { addKey, authenticate, lookups } = createWorld();
  const key = addKey({ id: "7", name: "collector", scopes: ["ingest"] });
  const asked = authenticate(key);
  expect(asked).toBeInstanceOf(Promise);
  expect(await asked).toEqual({ keyId: "7", name: "collector", scopes: new Set(["ingest"]) });
  expect(authenticate(key)).toEqual({ keyId: "7", name: "collector", scopes: new Set(["ingest"]) });
  expect(lookups()).toBe(1);
});

test("admin includes every other scope", async () => {
  const { addKey, authenticate } = createWorld();
  expect((await authenticate(addKey({ scopes: ["admin"] })))?.scopes).toEqual(
    new Set(["ingest", "write", "read", "admin"]),
  );
});

test.each([undefined, "", "Bearer", "Bearer ", `Basic ${newKey()}`, newKey(), `Bearer ${newKey()} x`, "Bearer mlr_x"])(
  "a header that carries no key asks nobody (%s)",
  (header) => {
    const { authenticateHeader, queries } = createWorld();
    expect(authenticateHeader(header)).toBeUndefined();
    expect(queries).toEqual([]);
  },
);

test("the scheme may be written in any case", async () => {
  const { addKey, authenticateHeader } = createWorld();
  expect(await authenticateHeader(`bearer ${addKey()}`)).toBeDefined();
});

test("an unknown key is remembered as unknown for a short time", async () => {
  const { authenticate, lookups, pass } = createWorld();
  const key = newKey();
  expect(await authenticate(key)).toBeUndefined();
  pass(5 * seconds - 1);
  expect(authenticate(key)).toBeUndefined();
  expect(lookups()).toBe(1);
  pass(1);
  await authenticate(key);
  expect(lookups()).toBe(2);
});

test("a flood of different bad keys becomes a few queries, and known keys stay known", async () => {
  const { addKey, authenticate, lookups } = createWorld();
  const key = addKey();
  await authenticate(key);
  const flood = Array.from({ length: 20_000 }, () => authenticate(newKey()));
  expect(authenticate(key)).toBeDefined();
  const late = addKey({ name: "late" });
  expect((await authenticate(late))?.name).toBe("late");
  expect((await Promise.all(flood)).every((principal) => principal === undefined)).toBe(true);
  expect(lookups()).toBeLessThanOrEqual(3);
  expect(authenticate(key)).toBeDefined();
});

test("a revoked key is refused after ten seconds, busy or not", async () => {
  const { addKey, authenticate, pass, revoke } = createWorld();
  const [busy, quiet] = [addKey(), addKey()];
  await Promise.all([authenticate(busy), authenticate(quiet)]);
  revoke(busy);
  revoke(quiet);
  for (let elapsed = 0; elapsed < 10; elapsed += 1) {
    pass(1 * seconds);
    await authenticate(busy);
    await turn();
  }
  expect(await authenticate(busy)).toBeUndefined();
  expect(await authenticate(quiet)).toBeUndefined();
});

test("known keys go on working for a quarter of an hour while the database is away", async () => {
  const world = createWorld();
  const key = world.addKey();
  await world.authenticate(key);
  world.isAway = true;
  for (let elapsed = 0; elapsed < 15 * 60; elapsed += 1) {
    world.pass(1 * seconds);
    // The database is asked in the background: nobody waits for it while it is away.
    expect(await Promise.race([world.authenticate(key), turn("waited")])).toMatchObject({ name: "one" });
    await turn();
  }
  world.pass(1);
  await expect(world.authenticate(key)).rejects.toThrow("ECONNREFUSED");
  world.isAway = false;
  expect(await world.authenticate(key)).toMatchObject({ name: "one" });
});

test("a key not known here rejects while the database is away and works as soon as it is back", async () => {
  const world = createWorld();
  const key = world.addKey();
  world.isAway = true;
  await expect(world.authenticate(key)).rejects.toThrow("ECONNREFUSED");
  world.isAway = false;
  expect(await world.authenticate(key)).toBeDefined();
});

test("a key expires to the moment although it is known", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
  const { addKey, authenticate } = createWorld();
  const key = addKey({ expiresAt: new Date(1_000) });
  expect(await authenticate(key)).toBeDefined();
  vi.setSystemTime(999);
  expect(authenticate(key)).toBeDefined();
  vi.setSystemTime(1_000);
  expect(authenticate(key)).toBeUndefined();
});

test("the use of a key is noted once a minute, and a failure to do so disturbs nobody", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
  const world = createWorld();
  const key = world.addKey();
  await world.authenticate(key);
  vi.setSystemTime(1 * minutes - 1);
  world.authenticate(key);
  expect(world.usesNoted()).toBe(1);
  world.isAway = true;
  vi.setSystemTime(1 * minutes);
  expect(world.authenticate(key)).toBeDefined();
  expect(world.authenticate(key)).toBeDefined();
  await turn();
  expect(world.usesNoted()).toBe(2);
});

test("the development key has all scopes, and works only where it is set", () => {
  const all = { name: "development", scopes: new Set(["ingest", "write", "read", "admin"]) };
  expect(createWorld({ developmentKey: "millrace-dev" }).authenticate("millrace-dev")).toMatchObject(all);
  expect(createWorld({ developmentKey: "millrace-dev" }).authenticate("millrace-deV")).toBeUndefined();
  expect(createWorld().authenticate("millrace-dev")).toBeUndefined();
});
