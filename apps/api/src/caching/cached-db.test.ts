import { createCache, createRedisStore } from "@millrace/cache";
import { statement } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { createCachedDb } from "./cached-db.ts";

const onError = (): void => {};
const readTime = statement<[n: number], { n: number; at: Date }>(
  "test.read_time",
  "SELECT $1::int AS n, clock_timestamp() AS at",
);

test("a statement's rows are kept under the key beside it, and asked for again under another", async () => {
  await using database = await createTestDatabase();
  await using redis = await createTestRedis();
  await using store = createRedisStore({ ...redis, timeoutMs: 2_000, onError });
  await store.connected();
  await using cache = createCache({ store, onError });
  const cached = createCachedDb(database.db, cache);
  const read = (n: number, key: string) => cached.rows(readTime, [n], { cache: { ttl: 60_000, key } });

  const first = await read(1, "one");
  expect(first).toEqual([{ n: 1, at: expect.stringMatching(/^\d{4}-.*Z$/) }]);
  expect(await read(1, "one")).toEqual(first);
  expect(await read(2, "two")).toMatchObject([{ n: 2 }]);
  expect(await cache.clear("rows.test.read_time", "one")).toBe(1);
  expect(await read(1, "one")).not.toEqual(first);
});
