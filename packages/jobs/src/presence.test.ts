import { createTestRedis, startTestRedisCluster } from "@millrace/embedded/testing";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { createPresence } from "./presence.ts";
import { connectQueues } from "./queues.ts";

const idsIn = (signs: readonly { readonly id: string }[]): string[] => signs.map(({ id }) => id).sort();

test("what processes tell is heard of all, the newest of each, until they leave", async () => {
  await using redis = await createTestRedis();
  await using one = await connectQueues({ ...redis, onError: () => {} });
  await using other = await connectQueues({ ...redis, onError: () => {} });
  await one.presence.tell("a", "first");
  await one.presence.tell("a", "second");
  await other.presence.tell("b", "other");
  const heard = await other.presence.list();
  expect(heard.map(({ id, text }) => `${id} ${text}`).sort()).toEqual(["a second", "b other"]);
  for (const { ageMs } of heard) expect(ageMs).toBeLessThan(10_000);
  await one.presence.leave("a");
  expect(idsIn(await other.presence.list())).toEqual(["b"]);
});

test("who is silent is forgotten, also by the index once somebody tells, and nothing is left when nobody does", async () => {
  await using test = await createTestRedis();
  using parts = new DisposableStack();
  const redis = parts.adopt(new Redis(test.url), (one) => one.disconnect());
  const presence = createPresence(redis, test.prefix, 300);
  const index = `${test.prefix}:{fleet}`;
  await presence.tell("silent", "x");
  expect(await redis.zrange(index, 0, -1)).toEqual(["silent"]);
  await expect
    .poll(async () => {
      await presence.tell("talks", "y");
      return await redis.zrange(index, 0, -1);
    })
    .toEqual(["talks"]);
  expect(idsIn(await presence.list())).toEqual(["talks"]);
  await expect.poll(() => redis.keys(`${test.prefix}*`)).toEqual([]);
  expect(await presence.list()).toEqual([]);
});

test("it works on a cluster", async () => {
  await using cluster = await startTestRedisCluster();
  await using queues = await connectQueues({ url: cluster.url, prefix: "test", onError: () => {} });
  for (const id of ["a", "b", "c", "d"]) await queues.presence.tell(id, `I am ${id}`);
  await queues.presence.leave("d");
  expect(idsIn(await queues.presence.list())).toEqual(["a", "b", "c"]);
  expect((await queues.states()).map(({ name }) => name).sort()).toEqual(["ingest", "upkeep", "writes"]);
  expect((await queues.memory()).usedBytes).toBeGreaterThan(100_000);
});
