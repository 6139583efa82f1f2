import { randomUUID } from "node:crypto";
import { CacheAwayError, type CacheKey } from "@millrace/cache";
import type { Db } from "@millrace/db";
import {
  type NewWrite,
  sessionStatements,
  textOfWrite,
  userStatements,
  type WriteKind,
  writeStatements,
} from "@millrace/domain";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { connectQueues, openMailbox, type Queues } from "@millrace/jobs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createApplyWrites } from "./apply-writes.ts";

const onError = (): void => {};
const address = (n: number): string => `0x${n.toString(16).padStart(40, "0")}`;

/** A cache that remembers what it was told, and does what it is told to do first. */
function recorder() {
  const keys: CacheKey[] = [];
  let next: () => Promise<void> = async () => {};
  return {
    keys,
    failOnce(error: Error) {
      next = async () => {
        next = async () => {};
        throw error;
      };
    },
    async invalidate(some: readonly CacheKey[]) {
      keys.push(...some);
      await next();
    },
  };
}

async function openWorld() {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase());
  const redis = stack.use(await createTestRedis());
  const queues = stack.use(await connectQueues({ ...redis, onError }));
  const cache = recorder();
  const unreadable: string[] = [];
  const open = (db: Db = database.db, lists: Queues["lists"] = queues.lists) =>
    stack.use(
      createApplyWrites({
        db,
        queues: { lists, mail: queues.mail },
        cache,
        batch: { maxRows: 500, maxWaitMs: 1, maxParallel: 2 },
        keepUnreadable: async (text) => void unreadable.push(text),
      }),
    ).handler;
  const add = async <Kind extends WriteKind>(write: Omit<NewWrite<Kind>, "id" | "acceptedAt"> & { id?: string }) => {
    const id = write.id ?? randomUUID();
    const { entity, text } = textOfWrite({ acceptedAt: Date.now(), ...write, id });
    await queues.lists.append(entity, text);
    return { id, entity };
  };
  return {
    database,
    db: database.db,
    redis,
    queues,
    cache,
    unreadable,
    open,
    add,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const run = { id: "1", queue: "test", attempt: 1 };
const saveUser = (n: number, name: string) => ({
  kind: "users.save" as const,
  payload: { address: address(n), display_name: name, profile: {} },
});

test("writes of an entity are applied in their order, all of them, by however many jobs and workers at once", async () => {
  await using world = await openWorld();
  const workers = [world.open(), world.open(), world.open()];
  const names = fc.sample(fc.string({ minLength: 1, maxLength: 20, unit: "grapheme-ascii" }), 40);
  const { entity } = await world.add(saveUser(1, "first"));
  for (const name of names) await world.add(saveUser(1, name));

  await Promise.all(Array.from({ length: 41 }, (_, n) => workers[n % 3]?.({ entity }, run)));

  const [user] = await world.db.rows(userStatements.getByAddress, [address(1)]);
  expect(user).toMatchObject({ display_name: names.at(-1), version: "41" });
  expect((await world.queues.lists.first([entity], 9)).get(entity)).toEqual([]);
});

test("many entities are written in few statements", async () => {
  await using world = await openWorld();
  const jobs = await Promise.all(Array.from({ length: 200 }, (_, n) => world.add(saveUser(n, `user ${n}`))));
  let statements = 0;
  const counting: Db = {
    ...world.db,
    transaction: (work) =>
      world.db.transaction((tx) =>
        work({
          ...tx,
          rows: (...args) => {
            statements += 1;
            return tx.rows(...args);
          },
          transaction: (inner) => {
            statements += 1;
            return tx.transaction(inner);
          },
        }),
      ),
  };
  const handler = world.open(counting);
  await Promise.all(jobs.map(({ entity }) => handler({ entity }, run)));
  expect(statements).toBeLessThan(30);
  expect(await world.db.rows(userStatements.listNewest, ["infinity", `0x${"f".repeat(40)}`, 999])).toHaveLength(200);
});

test("what was committed before a crash is not applied again, but invalidated again", async () => {
  await using world = await openWorld();
  const { entity, id } = await world.add(saveUser(1, "Ann"));
  const handler = world.open();
  world.cache.failOnce(new CacheAwayError("away"));
  await expect(handler({ entity }, run)).rejects.toThrow("away");
  expect((await world.queues.lists.first([entity], 9)).get(entity)).toHaveLength(1);
  expect(await world.db.rows(writeStatements.getById, [id])).toMatchObject([{ outcome: "done", is_settled: false }]);

  await handler({ entity }, run);
  expect(await world.db.rows(writeStatements.getById, [id])).toMatchObject([{ is_settled: true }]);
  await world.add({ ...saveUser(1, "Ann"), id });
  await handler({ entity }, run);

  const [user] = await world.db.rows(userStatements.getByAddress, [address(1)]);
  expect(user).toMatchObject({ version: "1" });
  expect(world.cache.keys).toEqual(Array(2).fill({ namespace: "users", key: address(1) }));
});

test("a session's steps and its report are applied across kinds, and touch all that is cached of them", async () => {
  await using world = await openWorld();
  const id = randomUUID();
  const at = new Date().toISOString();
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  const { entity } = await world.add({
    kind: "sessions.create",
    payload: { id, a_addr: address(1), b_addr: address(2), at, expires_at },
  });
  await world.add({ kind: "sessions.start", payload: { id, at, expires_at } });
  const early = await world.add({ kind: "sessions.end", payload: { id, at, reason: "x" }, expected: "1" });
  await world.add({ kind: "sessions.end", payload: { id, at, reason: "hung_up" }, expected: "2" });
  await world.open()({ entity }, run);

  expect(await world.db.rows(sessionStatements.getById, [id])).toMatchObject([{ state: "ended", version: "3" }]);
  expect(await world.db.rows(writeStatements.getById, [early.id])).toMatchObject([
    { outcome: "version_conflict", row: null },
  ]);
  const report = await world.add({
    kind: "reports.create",
    payload: {
      id: randomUUID(),
      session_id: id,
      reporter: address(1),
      reported: address(2),
      category: "spam",
      details: null,
      at,
    },
  });
  world.cache.keys.length = 0;
  await world.open()(report, run);
  expect(world.cache.keys).toContainEqual({ namespace: "sessions", key: `id/${id}` });
  expect(world.cache.keys).toContainEqual({ namespace: "sessions", key: `of/${address(2)}/active` });
  expect(world.cache.keys).toContainEqual({ namespace: "reports", key: "status/open" });
});

test("a write that PostgreSQL refuses fails by itself, and a text that is no write is kept aside", async () => {
  await using world = await openWorld();
  const good = await world.add(saveUser(1, "good"));
  const bad = await world.add(saveUser(2, "x".repeat(300)));
  await world.queues.lists.append(good.entity, "no write at all");
  const handler = world.open();
  await Promise.all([handler(good, run), handler(bad, run)]);

  expect(await world.db.rows(writeStatements.getById, [good.id])).toMatchObject([{ outcome: "done" }]);
  const [refused] = await world.db.rows(writeStatements.getById, [bad.id]);
  expect(refused).toMatchObject({ outcome: "refused", detail: expect.stringContaining("check constraint") });
  expect(world.unreadable).toEqual(["no write at all"]);
  expect((await world.queues.lists.first([good.entity], 9)).get(good.entity)).toEqual([]);
});

test("whoever waits for a write gets its row by letter", async () => {
  await using world = await openWorld();
  const letter = Promise.withResolvers<unknown>();
  await using _mailbox = openMailbox({
    ...world.redis,
    name: "me",
    onLetter: (text) => text !== "[]" && letter.resolve(JSON.parse(text)),
    onError,
  });
  const { entity, id } = await world.add({ ...saveUser(1, "Ann"), replyTo: "me" });
  // Redis tells how many listen.
  while ((await world.queues.mail("me", "[]")) === 0);
  await world.open()({ entity }, run);
  expect(await letter.promise).toMatchObject([{ id, outcome: "done", row: { display_name: "Ann", version: 1 } }]);
});
