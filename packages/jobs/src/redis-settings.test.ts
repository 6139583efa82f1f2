import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "@millrace/embedded";
import { createTestRedis, loadTestConfig } from "@millrace/embedded/testing";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { connectQueues } from "./queues.ts";
import { dangersOf, readRedisSettings } from "./redis-settings.ts";

const safe = {
  version: "7.0.15",
  maxmemoryPolicy: "noeviction",
  maxmemoryBytes: 0,
  isAppendOnly: true,
  appendfsync: "always",
};

test("a Redis that may lose accepted events is told of, each danger with what to do", () => {
  expect(dangersOf(safe)).toEqual([]);
  expect(dangersOf({ ...safe, appendfsync: undefined })).toEqual([]);
  expect(dangersOf({ ...safe, maxmemoryPolicy: "allkeys-lru" })).toEqual([
    expect.stringMatching(/throw accepted events away.*allkeys-lru.*noeviction/),
  ]);
  expect(dangersOf({ ...safe, isAppendOnly: false })).toEqual([expect.stringMatching(/append-only.*appendonly yes/)]);
  expect(dangersOf({ ...safe, appendfsync: "no" })).toEqual([expect.stringMatching(/appendfsync always/)]);
  expect(dangersOf({ ...safe, version: "6.0.16" })).toEqual([expect.stringMatching(/6\.0\.16.*6\.2/)]);
});

test("the settings are read from the server, also where CONFIG is forbidden", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "millrace-redis-"));
  await chmod(dataDir, 0o755);
  {
    const { searchPath } = loadTestConfig(process.env);
    await using server = await startRedis({
      dataDir: join(dataDir, "redis"),
      cacheDir: join(dataDir, "cache"),
      appendOnly: true,
      searchPath,
      log: () => {},
    });
    const redis = new Redis(server.url);
    expect(await readRedisSettings(redis)).toMatchObject({ isAppendOnly: true, maxmemoryPolicy: "noeviction" });
    await redis.config("SET", "maxmemory-policy", "allkeys-lfu", "maxmemory", "64mb", "appendfsync", "no");
    const changed = { maxmemoryPolicy: "allkeys-lfu", maxmemoryBytes: 64 * 1_024 ** 2, appendfsync: "no" };
    expect(await readRedisSettings(redis)).toMatchObject(changed);
    await redis.acl("SETUSER", "default", "-config");
    expect(await readRedisSettings(redis)).toMatchObject({ ...changed, appendfsync: undefined });
    redis.disconnect();
  }
  await rm(dataDir, { recursive: true });
});

test("the queues tell of their own Redis", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError: () => {} });
  const { settings, dangers } = await queues.inspect();
  expect(settings).toEqual([expect.objectContaining({ maxmemoryPolicy: "noeviction" })]);
  expect(dangers).toEqual(settings.flatMap(dangersOf));
});
